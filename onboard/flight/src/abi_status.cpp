// The C interface: versions, status texts, defaults.
#include "sizes.hpp"

#include <cstring>

namespace {

using onb::known_config_size;

const char *const status_texts[ONB_STATUS_COUNT] = {
    "ok",
    "read the queued products and events, then call again",
    "nothing queued",
    "a null pointer, or a value outside its limits",
    "struct_size is not that of this library",
    "not allowed now",
    "the memory block is too small",
    "the memory block is not aligned",
    "the bundle is malformed",
    "the bundle is damaged",
    "the bundle has an unknown version",
    "the bundle or delta is not signed",
    "the bundle or delta is signed by an untrusted key",
    "the signature of the bundle or delta does not fit",
    "the bundle is older than allowed",
    "the bundle's plan cannot be flown",
    "the bundle's graphs do not fit its plan",
    "the inference engine is missing",
    "the inference engine failed",
    "the known answer was not reproduced",
    "memory that must not change has changed",
    "the bundle has expired",
    "the bundle is made for another target",
    "the delta is malformed",
    "the delta is made for another bundle",
};

} // namespace

extern "C" {

const char *onb_version(void) { return ONB_VERSION_STRING; }

uint32_t onb_abi_version(void) { return ONB_ABI_VERSION; }

const char *onb_status_text(onb_status status) {
    const auto index = static_cast<uint32_t>(status);
    return index < ONB_STATUS_COUNT ? status_texts[index] : "unknown status";
}

onb_status onb_config_default(onb_config *config, size_t config_size) {
    if (config == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (!known_config_size(config_size)) {
        return ONB_STRUCT_SIZE;
    }
    onb_config values{};
    values.struct_size = static_cast<uint32_t>(config_size);
    values.threads = 2;
    values.products = ONB_PRODUCT_METHANE | ONB_PRODUCT_MINERALS;
    values.pixel_size_m = 60.0;
    values.known_answer = 1;
    values.event_queue = 1024;
    memcpy(config, &values, config_size);
    return ONB_OK;
}

} // extern "C"
