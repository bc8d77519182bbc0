#include "detail.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace onb {

Text text(const char *format, ...) {
    Text result{};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result.chars, sizeof result.chars, format, arguments);
    va_end(arguments);
    return result;
}

Text hex(const uint8_t *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    Text result{};
    const size_t count = size < 32 ? size : 32;
    for (size_t i = 0; i < count; ++i) {
        result.chars[2 * i] = digits[bytes[i] >> 4];
        result.chars[2 * i + 1] = digits[bytes[i] & 15u];
    }
    return result;
}

onb_status fail(onb_detail *detail, onb_status status, const char *problem, const char *field,
                const Text &found, const Text &expected) {
    if (detail != nullptr) {
        detail->status = static_cast<uint32_t>(status);
        (void)snprintf(detail->problem, sizeof detail->problem, "%s", problem);
        (void)snprintf(detail->field, sizeof detail->field, "%s", field);
        (void)snprintf(detail->found, sizeof detail->found, "%s", found.chars);
        (void)snprintf(detail->expected, sizeof detail->expected, "%s", expected.chars);
    }
    return status;
}

bool detail_begin(onb_detail *detail) {
    if (detail == nullptr) {
        return true;
    }
    if (detail->struct_size != sizeof(onb_detail)) {
        return false;
    }
    memset(detail, 0, sizeof *detail);
    detail->struct_size = sizeof(onb_detail);
    return true;
}

} // namespace onb
