// Structs of the interface that have grown: the sizes that callers may pass.
#pragma once

#include "onboard.h"

#include <cstddef>

namespace onb {

constexpr size_t first_config_size = offsetof(onb_config, now_unix_s);
constexpr size_t second_config_size = offsetof(onb_config, denoise);
constexpr size_t third_config_size = offsetof(onb_config, gas_lines);
constexpr size_t first_description_size = offsetof(onb_bundle_description, expires_unix_s);
constexpr size_t second_description_size = offsetof(onb_bundle_description, has_denoiser);

constexpr size_t first_health_size = offsetof(onb_health_report, body_ns_total);
constexpr size_t second_health_size = offsetof(onb_health_report, lines_lacking_bands);

constexpr size_t third_health_size = offsetof(onb_health_report, known_answers);

inline bool known_config_size(size_t size) {
    return size == sizeof(onb_config) || size == third_config_size || size == second_config_size ||
           size == first_config_size;
}

inline bool known_description_size(size_t size) {
    return size == sizeof(onb_bundle_description) || size == second_description_size ||
           size == first_description_size;
}

inline bool known_health_size(size_t size) {
    return size == sizeof(onb_health_report) || size == third_health_size || size == second_health_size ||
           size == first_health_size;
}

} // namespace onb
