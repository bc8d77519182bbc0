// Bump allocator over the caller's block; the same walk also measures, when it has no block.
#pragma once

#include "checked.hpp"

#include <cstddef>
#include <cstdint>

namespace onb {

class Arena {
  public:
    Arena() = default; // measures only
    Arena(void *block, size_t size) : base_(static_cast<uint8_t *>(block)), size_(size) {}

    // Room for count values, at a multiple of 64; null while measuring or when the block is full.
    template <class T> T *take(uint64_t count) {
        uint64_t bytes = 0;
        uint64_t end = 0;
        if (!checked_multiply(count, sizeof(T), &bytes) || bytes > limit ||
            !checked_add(used_, align64(bytes), &end) || end > limit) {
            overflow_ = true;
            return nullptr;
        }
        const uint64_t start = used_;
        used_ = end;
        if (base_ == nullptr || end > size_) {
            return nullptr;
        }
        return reinterpret_cast<T *>(base_ + start);
    }

    uint64_t used() const { return used_; }
    bool overflow() const { return overflow_; }

  private:
    static constexpr uint64_t limit = UINT64_C(1) << 48;
    uint8_t *base_ = nullptr;
    uint64_t size_ = 0;
    uint64_t used_ = 0;
    bool overflow_ = false;
};

} // namespace onb
