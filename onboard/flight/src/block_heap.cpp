#include "block_heap.hpp"

#include "checked.hpp"

#include <cstdlib>
#include <cstring>

namespace onb {

void BlockHeap::init(void *block, size_t size) {
    (void)pthread_mutex_init(&mutex_, nullptr);
    base_ = static_cast<uint8_t *>(block);
    size_ = size;
    first_ = nullptr;
    high_water_ = 0;
    requests_ = 0;
    overflows_ = 0;
    overflow_bytes_ = 0;
    sealed_ = Digest{};
    const size_t usable = size / 64 * 64;
    if (usable >= 2 * sizeof(Header)) {
        first_ = reinterpret_cast<Header *>(block);
        *first_ = Header{usable - sizeof(Header), nullptr, 0, 0};
    }
}

BlockHeap::Header *BlockHeap::best_fit(size_t size) const {
    Header *best = nullptr;
    for (Header *header = first_; header != nullptr; header = header->next) {
        if (header->used == 0 && header->size >= size && (best == nullptr || header->size < best->size)) {
            best = header;
        }
    }
    return best;
}

void BlockHeap::split(Header *header, size_t size) {
    if (header->size < size + 2 * sizeof(Header)) {
        return;
    }
    auto *rest = reinterpret_cast<Header *>(reinterpret_cast<uint8_t *>(header + 1) + size);
    *rest = Header{header->size - size - sizeof(Header), header->next, 0, 0};
    header->size = size;
    header->next = rest;
}

void BlockHeap::join_next(Header *header) {
    const Header *next = header->next;
    if (next != nullptr && next->used == 0) {
        header->size += sizeof(Header) + next->size;
        header->next = next->next;
    }
}

void *BlockHeap::take_inside(uint64_t size) {
    Header *header = size <= size_ ? best_fit(align64(size)) : nullptr;
    if (header == nullptr) {
        return nullptr;
    }
    split(header, align64(size));
    header->used = 1;
    auto *payload = reinterpret_cast<uint8_t *>(header + 1);
    const size_t end = static_cast<size_t>(payload - base_) + header->size;
    high_water_ = end > high_water_ ? end : high_water_;
    return payload;
}

void *BlockHeap::take(size_t size) {
    const uint64_t wanted = size == 0 ? 64 : size;
    (void)pthread_mutex_lock(&mutex_);
    ++requests_;
    void *payload = take_inside(wanted);
    if (payload == nullptr) {
        ++overflows_;
        overflow_bytes_ += wanted;
    }
    (void)pthread_mutex_unlock(&mutex_);
    if (payload == nullptr && posix_memalign(&payload, 64, wanted) != 0) {
        return nullptr;
    }
    return payload;
}

void BlockHeap::give(void *payload) {
    const auto address = reinterpret_cast<uintptr_t>(payload);
    const auto start = reinterpret_cast<uintptr_t>(base_);
    if (address < start || address >= start + size_) {
        free(payload); // an overflow, or null
        return;
    }
    (void)pthread_mutex_lock(&mutex_);
    Header *before = nullptr;
    Header *header = first_;
    while (header != nullptr && header + 1 != payload) {
        before = header;
        header = header->next;
    }
    if (header != nullptr) {
        header->used = 0;
        header->sealed = 0;
        join_next(header);
        if (before != nullptr && before->used == 0) {
            join_next(before);
        }
    }
    (void)pthread_mutex_unlock(&mutex_);
}

bool BlockHeap::headers_hold() const {
    auto at = reinterpret_cast<uintptr_t>(base_);
    const uintptr_t end = at + size_ / 64 * 64;
    for (const Header *header = first_; header != nullptr; header = header->next) {
        // Each block begins where the one before it ended; none is read before its place is known to be one.
        if (reinterpret_cast<uintptr_t>(header) != at || end - at < sizeof(Header) ||
            header->size > end - at - sizeof(Header) || header->size % 64 != 0) {
            return false;
        }
        at += sizeof(Header) + header->size;
    }
    return first_ == nullptr || at == end;
}

Digest BlockHeap::digest_sealed() const {
    Digest chain{};
    for (const Header *header = first_; header != nullptr; header = header->next) {
        if (header->sealed != 0) {
            uint8_t pair[64];
            const Digest block = sha256(header + 1, header->size);
            memcpy(pair, chain.bytes, 32);
            memcpy(pair + 32, block.bytes, 32);
            chain = sha256(pair, sizeof pair);
        }
    }
    return chain;
}

void BlockHeap::seal() {
    for (Header *header = first_; header != nullptr; header = header->next) {
        header->sealed = header->used;
    }
    sealed_ = digest_sealed();
}

bool BlockHeap::intact() const { return headers_hold() && same_digest(digest_sealed(), sealed_.bytes); }

} // namespace onb
