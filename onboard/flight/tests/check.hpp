// What a test program needs: CHECK counts what fails, up to what an exit code can hold, and says where; main
// returns the count.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <initializer_list>

inline int failures = 0;

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            failures += failures < 255 ? 1 : 0;                                                   \
            (void)fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);         \
        }                                                                                         \
    } while (false)

// Numbers that are always the same: a linear congruential generator (constants of Knuth's MMIX).
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint32_t bits() {
        state_ = state_ * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return static_cast<uint32_t>(state_ >> 32);
    }
    // In [low, high).
    double uniform(double low, double high) { return low + (high - low) * (bits() / 4294967296.0); }

  private:
    uint64_t state_;
};
