// The uplink delta: how a new bundle is made of an old one. Byte by byte in docs/bundle.md.
#pragma once

#include "container.hpp"

namespace onb {

struct Delta {
    static constexpr size_t header_size = 192;
    static constexpr size_t trailer_size = 128;
    static constexpr uint64_t most_bytes = UINT64_C(1) << 30; // of either bundle
    static constexpr uint32_t most_operations = 1u << 16;
    static constexpr uint32_t most_factor_bytes = 1u << 24;
    static constexpr uint32_t most_rank = 64;

    Bytes file;
    Bytes packed;
    uint64_t sequence, old_size, new_size, stream_size;
    uint32_t operation_count, factor_bytes;
    const uint8_t *old_sha256;
    const uint8_t *new_sha256;
    const uint8_t *key_id;
    const uint8_t *signature;
    bool is_signed;

    // Bytes of out: the new bundle, then room for zlib and factors, and later for its signature's check.
    uint64_t memory_bytes() const;
    uint64_t room_offset() const;
};

// Checks every length of the file; neither signature nor operations.
onb_status read_delta(Bytes file, Delta *delta, onb_detail *detail);

// Signature and sequence against what the configuration trusts.
onb_status check_delta_trust(const Delta &delta, const onb_config &config, onb_detail *detail);

// Writes the new bundle into out, which has memory_bytes; the old one is known to be the right one.
onb_status run_delta(const Delta &delta, Bytes old_bundle, uint8_t *out, onb_detail *detail);

} // namespace onb
