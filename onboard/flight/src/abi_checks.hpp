// Shared by the source files of the C interface.
#pragma once

#include "session.hpp"

namespace onb {

constexpr uint64_t session_magic = UINT64_C(0x6f6e622d6f70656e);

// What every call with a configuration needs of it: its size and its keys.
onb_status check_trust_config(const onb_config *config, onb_detail *detail);
// All of it.
onb_status check_config(const onb_config *config, onb_detail *detail);
// What configuration and plan must agree on.
onb_status check_fit(const onb_config &config, const Plan &plan, onb_detail *detail);

} // namespace onb
