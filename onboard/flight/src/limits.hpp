// Until when, and on what computer, a bundle may fly: its optional part limits.bin.
#pragma once

#include "container.hpp"

namespace onb {

struct Limits {
    static constexpr size_t target_size = 32;

    uint64_t expires_unix_s;  // 0: never
    char target[target_size]; // zero-terminated; empty: any
};

// Reads the part; a bundle without it has no limits.
onb_status read_limits(const Container &container, Limits *limits, onb_detail *detail);

// Holds the limits against the caller's time and target, as far as the caller gives them.
onb_status check_limits(const Limits &limits, const onb_config &config, onb_detail *detail);

} // namespace onb
