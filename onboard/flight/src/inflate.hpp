// DEFLATE out of memory into memory, a piece at a time, on a fixed block: zlib, kept from the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <zlib.h>

namespace onb {

class Inflater {
  public:
    // What zlib's inflate takes: its state and a window of 32 KiB, with room for other builds of zlib.
    static constexpr size_t heap_size = 96 * 1024;

    Inflater() = default;
    Inflater(const Inflater &) = delete;
    Inflater &operator=(const Inflater &) = delete;
    ~Inflater();

    // The heap has heap_size bytes at a multiple of 64. False if zlib refuses.
    bool start(const uint8_t *packed, size_t packed_size, uint8_t *heap);
    // Exactly size bytes; false if the stream is damaged or ends before.
    bool read(void *to, size_t size);
    // Whether the stream is over, its checksum good, and no packed byte left.
    bool finished();
    uint64_t produced() const { return produced_; }

  private:
    static voidpf take(voidpf self, uInt items, uInt size);
    static void give(voidpf self, voidpf address);
    bool fill(uint8_t *to, size_t size);

    z_stream stream_{};
    uint8_t *heap_ = nullptr;
    size_t used_ = 0;
    uint64_t produced_ = 0;
    bool running_ = false;
    bool ended_ = false;
};

} // namespace onb
