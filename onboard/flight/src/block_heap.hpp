// A small heap inside a fixed block, for the inference engine: best fit, address order, 64-byte blocks.
#pragma once

#include "sign.hpp"

#include <cstddef>
#include <cstdint>
#include <pthread.h>

namespace onb {

class BlockHeap {
  public:
    // The block starts at a multiple of 64; it stays the caller's.
    void init(void *block, size_t size);

    // At least size bytes at a multiple of 64. What does not fit comes from the process heap and is counted
    // as an overflow: ONNX Runtime ends the process when memory is refused within a run, so a refusal must
    // be told afterwards, not here. Safe to call from several threads.
    void *take(size_t size);
    void give(void *payload);

    // From now on the blocks in use hold constants (weights): remembers them and their hash.
    void seal();
    // Whether the sealed blocks still hold what they held.
    bool intact() const;

    size_t high_water() const { return high_water_; }
    uint64_t requests() const { return requests_; }
    uint64_t overflows() const { return overflows_; }
    uint64_t overflow_bytes() const { return overflow_bytes_; }
    void forget_requests() { requests_ = 0; }

  private:
    // Lies before each payload, 64 bytes wide; all blocks form one list in address order.
    struct alignas(64) Header {
        size_t size; // of the payload
        Header *next;
        uint32_t used;
        uint32_t sealed;
    };
    static_assert(sizeof(Header) == 64, "payloads must stay at multiples of 64");

    void *take_inside(uint64_t size);
    Header *best_fit(size_t size) const;
    static void split(Header *header, size_t size);
    static void join_next(Header *header);
    // Whether all headers lie where they must; what a stray bit made of one is not followed.
    bool headers_hold() const;
    Digest digest_sealed() const;

    pthread_mutex_t mutex_;
    uint8_t *base_;
    size_t size_;
    Header *first_;
    size_t high_water_;
    uint64_t requests_;
    uint64_t overflows_;
    uint64_t overflow_bytes_;
    Digest sealed_;
};

} // namespace onb
