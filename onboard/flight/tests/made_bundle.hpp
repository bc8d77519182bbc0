// A bundle made in memory, unsigned, for tests of its readers.
#pragma once

#include "checked.hpp"
#include "sign.hpp"

#include <cstdint>
#include <cstring>

struct MadeBundle {
    static constexpr size_t room = 16384;
    uint8_t bytes[room];
    size_t size;

    void put_u32(size_t at, uint32_t value) { memcpy(bytes + at, &value, 4); }
    void put_u64(size_t at, uint64_t value) { memcpy(bytes + at, &value, 8); }

    void begin(uint32_t parts) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, "ONBUNDLE", 8);
        put_u32(8, 1);
        put_u32(12, 64);
        put_u64(24, 5);
        put_u32(32, parts);
        put_u32(36, 128);
        size = 64 + parts * 128;
    }
    void add(uint32_t index, const char *name, const void *data, size_t length) {
        const size_t entry = 64 + index * 128;
        size = static_cast<size_t>(onb::align64(size));
        memcpy(bytes + entry, name, strlen(name));
        put_u64(entry + 64, size);
        put_u64(entry + 72, length);
        memcpy(bytes + entry + 80, onb::sha256(data, length).bytes, 32);
        memcpy(bytes + size, data, length);
        size += length;
    }
    void end() {
        size = static_cast<size_t>(onb::align64(size));
        memcpy(bytes + size, "ONBSIGN1", 8);
        size += 128;
        put_u64(16, size);
    }
};
