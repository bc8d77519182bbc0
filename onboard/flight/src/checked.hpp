// Arithmetic on numbers that came from a file: an overflow is an answer, not an accident.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onb {

inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum) {
    return !__builtin_add_overflow(a, b, sum);
}

inline bool checked_multiply(uint64_t a, uint64_t b, uint64_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

// Whether [offset, offset + size) lies within [0, limit).
inline bool range_fits(uint64_t offset, uint64_t size, uint64_t limit) {
    return offset <= limit && size <= limit - offset;
}

// The first multiple of 64 at or after value; value is below 2^63.
inline uint64_t align64(uint64_t value) { return (value + 63u) & ~UINT64_C(63); }

} // namespace onb
