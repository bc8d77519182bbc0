#include "inflate.hpp"

#include "checked.hpp"

namespace onb {

voidpf Inflater::take(voidpf self, uInt items, uInt size) {
    auto *inflater = static_cast<Inflater *>(self);
    uint64_t bytes = 0;
    if (!checked_multiply(items, size, &bytes) || bytes > heap_size) {
        return nullptr;
    }
    const auto room = static_cast<size_t>(align64(bytes));
    if (room > heap_size - inflater->used_) {
        return nullptr;
    }
    uint8_t *block = inflater->heap_ + inflater->used_;
    inflater->used_ += room;
    return block;
}

void Inflater::give(voidpf, voidpf) {} // the block is the caller's, and goes back as a whole

Inflater::~Inflater() {
    if (running_) {
        (void)inflateEnd(&stream_);
    }
}

bool Inflater::start(const uint8_t *packed, size_t packed_size, uint8_t *heap) {
    if (packed_size > UINT32_MAX) {
        return false;
    }
    heap_ = heap;
    stream_.zalloc = take;
    stream_.zfree = give;
    stream_.opaque = this;
    stream_.next_in = const_cast<Bytef *>(packed); // read only, in every zlib
    stream_.avail_in = static_cast<uInt>(packed_size);
    running_ = inflateInit(&stream_) == Z_OK;
    return running_;
}

bool Inflater::fill(uint8_t *to, size_t size) {
    stream_.next_out = to;
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0 && !ended_) {
        const int status = inflate(&stream_, Z_NO_FLUSH);
        ended_ = status == Z_STREAM_END;
        if (status != Z_OK && !ended_) {
            return false;
        }
    }
    return stream_.avail_out == 0;
}

bool Inflater::read(void *to, size_t size) {
    constexpr size_t most = size_t{1} << 30; // zlib counts in 32 bits
    auto *bytes = static_cast<uint8_t *>(to);
    for (size_t done = 0; done < size;) {
        const size_t piece = size - done < most ? size - done : most;
        if (!running_ || !fill(bytes + done, piece)) {
            return false;
        }
        done += piece;
        produced_ += piece;
    }
    return true;
}

bool Inflater::finished() {
    uint8_t more = 0;
    if (running_ && !ended_) {
        (void)fill(&more, 1); // reads the checksum behind the last byte; one byte more is one too many
    }
    return ended_ && stream_.avail_in == 0 && stream_.total_out == produced_;
}

} // namespace onb
