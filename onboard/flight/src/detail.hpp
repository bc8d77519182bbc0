// Words for a refusal: what is wrong, where, what was found, what was expected.
#pragma once

#include "onboard.h"

namespace onb {

struct Text {
    char chars[160];
};

// Formats as printf does; what does not fit is cut.
Text text(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Lower-case hexadecimal digits of at most 32 bytes.
Text hex(const uint8_t *bytes, size_t size);

// Fills the detail, if there is one, and returns the status.
onb_status fail(onb_detail *detail, onb_status status, const char *problem, const char *field = "",
                const Text &found = Text{}, const Text &expected = Text{});

// Clears a caller's detail; false if its struct_size is not ours.
bool detail_begin(onb_detail *detail);

} // namespace onb
