// The C interface: versions, status texts, defaults.
#include "onboard.h"

namespace {

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
    "the bundle is not signed",
    "the bundle is signed by an untrusted key",
    "the bundle's signature does not fit",
    "the bundle is older than allowed",
    "the bundle's plan cannot be flown",
    "the bundle's graphs do not fit its plan",
    "the inference engine is missing",
    "the inference engine failed",
    "the known answer was not reproduced",
    "memory that must not change has changed",
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
    if (config_size != sizeof(onb_config)) {
        return ONB_STRUCT_SIZE;
    }
    *config = onb_config{};
    config->struct_size = sizeof(onb_config);
    config->threads = 2;
    config->products = ONB_PRODUCT_METHANE | ONB_PRODUCT_MINERALS;
    config->pixel_size_m = 60.0;
    config->known_answer = 1;
    config->event_queue = 1024;
    return ONB_OK;
}

} // extern "C"
