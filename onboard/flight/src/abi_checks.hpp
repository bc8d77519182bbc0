// Shared by the source files of the C interface.
#pragma once

#include "session.hpp"

namespace onb {

constexpr uint64_t session_magic = UINT64_C(0x6f6e622d6f70656e);

// Copies the caller's configuration, whose header may be an older one: what that lacks is zero. Checks what
// every call needs of it: its size, its keys and its target.
onb_status take_trust_config(const onb_config *given, onb_config *config, onb_detail *detail);
// The same, and all of it checked.
onb_status take_config(const onb_config *given, onb_config *config, onb_detail *detail);
// Signature, sequence, expiry and target of a bundle. With a workspace, of the bundle's size and
// signature_room, the heap is left alone.
onb_status check_flyable(const Bundle &bundle, const onb_config &config, uint8_t *workspace, onb_detail *detail);
// What configuration and plan must agree on.
onb_status check_fit(const onb_config &config, const Plan &plan, onb_detail *detail);

} // namespace onb
