#include "limits.hpp"

#include <cstring>

namespace onb {

namespace {

constexpr size_t limits_size = 64;

// Copies a target of [a-z0-9_.-], zero-padded, with at least one zero; false if it is anything else.
bool read_target(const uint8_t *raw, char target[Limits::target_size]) {
    bool ended = false;
    for (size_t i = 0; i < Limits::target_size; ++i) {
        const uint8_t c = raw[i];
        const bool legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        if (c != 0 && (ended || !legal)) {
            return false;
        }
        ended = ended || c == 0;
        target[i] = static_cast<char>(c);
    }
    return ended;
}

} // namespace

onb_status read_limits(const Container &container, Limits *limits, onb_detail *detail) {
    *limits = Limits{};
    const Bytes part = container.find("limits.bin");
    if (part.data == nullptr) {
        return ONB_OK;
    }
    if (part.size != limits_size || read_u32(part.data) != limits_size) {
        return fail(detail, ONB_BUNDLE_PLAN, "the limits have the wrong length", "limits.bin: struct_size",
                    text("%zu bytes", part.size), text("%zu bytes", limits_size));
    }
    if (read_u32(part.data + 4) != 1) {
        return fail(detail, ONB_BUNDLE_VERSION, "unknown version of the limits", "limits.bin: version",
                    text("%u", read_u32(part.data + 4)), text("1"));
    }
    limits->expires_unix_s = read_u64(part.data + 8);
    bool reserved = false;
    for (size_t i = 48; i < limits_size; ++i) {
        reserved = reserved || part.data[i] != 0;
    }
    if (!read_target(part.data + 16, limits->target) || reserved) {
        return fail(detail, ONB_BUNDLE_PLAN, "the limits hold other characters", "limits.bin: target",
                    text("other bytes"), text("at most 31 of [a-z0-9_.-], then zeros"));
    }
    return ONB_OK;
}

onb_status check_limits(const Limits &limits, const onb_config &config, onb_detail *detail) {
    if (limits.expires_unix_s != 0 && config.now_unix_s >= limits.expires_unix_s) {
        return fail(detail, ONB_BUNDLE_EXPIRED, "the bundle has expired", "limits.bin: expires_unix_s",
                    text("now %llu", static_cast<unsigned long long>(config.now_unix_s)),
                    text("before %llu", static_cast<unsigned long long>(limits.expires_unix_s)));
    }
    if (limits.target[0] != 0 && config.target != nullptr && strcmp(limits.target, config.target) != 0) {
        return fail(detail, ONB_BUNDLE_TARGET, "the bundle is made for another target", "limits.bin: target",
                    text("%s", limits.target), text("%s", config.target));
    }
    return ONB_OK;
}

} // namespace onb
