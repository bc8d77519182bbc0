// The bundle container: bytes from outside, of which nothing is used before it was checked.
#pragma once

#include "detail.hpp"

#include <cstddef>
#include <cstdint>

namespace onb {

struct Bytes {
    const uint8_t *data;
    size_t size;
};

struct Part {
    char name[64]; // zero-terminated
    Bytes bytes;
    const uint8_t *sha256;
};

struct Container {
    static constexpr uint32_t max_parts = 32;
    static constexpr size_t trailer_size = 128;

    Bytes file;
    uint64_t sequence;
    uint32_t part_count;
    bool is_signed;
    const uint8_t *key_id;
    const uint8_t *signature;
    Part parts[max_parts];

    // The part of that name; its data is null if there is none.
    Bytes find(const char *name) const;
};

// Little-endian numbers of a file; the caller has checked that the bytes are there.
uint32_t read_u32(const uint8_t *bytes);
uint64_t read_u64(const uint8_t *bytes);
float read_f32(const uint8_t *bytes);

// Checks every length, offset, name and gap of the file, then the hash of each part.
onb_status read_container(Bytes file, Container *container, onb_detail *detail);

// The trusted key whose SHA-256 is key_id, or null.
const uint8_t *signing_key(const uint8_t *key_id, const onb_config &config);

// Checks sequence and signature against what the configuration trusts. The workspace is null, or has the
// file's size and signature_room.
onb_status check_trust(const Container &container, const onb_config &config, uint8_t *workspace,
                       onb_detail *detail);

} // namespace onb
