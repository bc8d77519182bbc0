// Checks of the configuration that a caller hands over.
#include "abi_checks.hpp"
#include "sizes.hpp"

#include <cmath>
#include <cstring>

namespace onb {

namespace {

constexpr uint32_t most_samples = 65536;

onb_status bad_config(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_INVALID_ARGUMENT, "the configuration cannot be used", field, found, expected);
}

onb_status check_denoiser(const onb_config &config, const Plan &plan, onb_detail *detail) {
    if (config.denoise != 0 && plan.denoiser_samples == 0) {
        return bad_config(detail, "config.denoise", text("1"), text("0: the bundle has no denoiser.onnx"));
    }
    if (config.denoise != 0 && config.samples > plan.denoiser_samples &&
        plan.denoiser_samples <= 2 * plan.halo_lines) {
        return bad_config(detail, "config.samples", text("%u", config.samples),
                          text("at most %u: the bundle's denoiser is too narrow for panels", plan.denoiser_samples));
    }
    return ONB_OK;
}

// Rows that are no transmittance, or no gas at all, would make a filter that says anything.
onb_status check_gas(const onb_config &config, const Plan &plan, onb_detail *detail) {
    if (config.gas_lines == nullptr) {
        return ONB_OK;
    }
    if (config.known_answer != 0) {
        return bad_config(detail, "config.known_answer", text("1"), text("0: gas_lines are not the bundle's"));
    }
    if (reinterpret_cast<uintptr_t>(config.gas_lines) % alignof(float) != 0) {
        return bad_config(detail, "config.gas_lines", text("an address not aligned"), text("aligned float32"));
    }
    if (config.gas_points != plan.curve_points || config.gas_bands != plan.mf_bands) {
        return bad_config(detail, "config.gas_points, gas_bands", text("%u, %u", config.gas_points, config.gas_bands),
                          text("%u, %u as in mf_curve.f32", plan.curve_points, plan.mf_bands));
    }
    bool absorbs = false;
    for (size_t i = 0; i < static_cast<size_t>(plan.curve_points) * plan.mf_bands; ++i) {
        const float value = config.gas_lines[i];
        if (!(value <= 0.0f && value >= -1e9f) || (i < plan.mf_bands && value != 0.0f)) {
            return bad_config(detail, "config.gas_lines", text("%g at index %zu", static_cast<double>(value), i),
                              text("0 in the first row, then at most 0"));
        }
        absorbs = absorbs || (i / plan.mf_bands == 1 && value != 0.0f);
    }
    return absorbs ? ONB_OK : bad_config(detail, "config.gas_lines", text("no absorption"), text("some in row 1"));
}

} // namespace

onb_status take_trust_config(const onb_config *given, onb_config *config, onb_detail *detail) {
    if (given == nullptr) {
        return bad_config(detail, "config", text("NULL"), text("a configuration"));
    }
    if (!known_config_size(given->struct_size)) {
        return fail(detail, ONB_STRUCT_SIZE, "struct_size is not that of this library", "config.struct_size",
                    text("%u", given->struct_size), text("%zu", sizeof(onb_config)));
    }
    *config = onb_config{};
    memcpy(config, given, given->struct_size);
    config->struct_size = sizeof(onb_config);
    if (config->target != nullptr && strnlen(config->target, Limits::target_size) == Limits::target_size) {
        return bad_config(detail, "config.target", text("%.40s...", config->target),
                          text("at most %zu characters", Limits::target_size - 1));
    }
    if (config->trusted_key_count > 0 && config->trusted_keys == nullptr) {
        return bad_config(detail, "config.trusted_keys", text("NULL"), text("%u keys", config->trusted_key_count));
    }
    return ONB_OK;
}

onb_status take_config(const onb_config *given, onb_config *config, onb_detail *detail) {
    const onb_status status = take_trust_config(given, config, detail);
    if (status != ONB_OK) {
        return status;
    }
    if (config->samples < 1 || config->samples > most_samples) {
        return bad_config(detail, "config.samples", text("%u", config->samples), text("1 to %u", most_samples));
    }
    if (config->threads < 1 || config->threads > 64) {
        return bad_config(detail, "config.threads", text("%u", config->threads), text("1 to 64"));
    }
    if (config->event_queue < 1 || config->event_queue > 65536) {
        return bad_config(detail, "config.event_queue", text("%u", config->event_queue), text("1 to 65536"));
    }
    if (!std::isfinite(config->pixel_size_m) || config->pixel_size_m <= 0.0) {
        return bad_config(detail, "config.pixel_size_m", text("%g", config->pixel_size_m), text("above 0"));
    }
    if (config->inference_bytes > (UINT64_C(1) << 40)) {
        return bad_config(detail, "config.inference_bytes",
                          text("%llu", static_cast<unsigned long long>(config->inference_bytes)), text("at most 2^40"));
    }
    if (config->denoise > 1) {
        return bad_config(detail, "config.denoise", text("%u", config->denoise), text("0 or 1"));
    }
    return ONB_OK;
}

onb_status check_flyable(const Bundle &bundle, const onb_config &config, uint8_t *workspace, onb_detail *detail) {
    const onb_status status = check_trust(bundle.container, config, workspace, detail);
    return status == ONB_OK ? check_limits(bundle.limits, config, detail) : status;
}

onb_status check_fit(const onb_config &config, const Plan &plan, onb_detail *detail) {
    if (config.products == 0 || (config.products & ~plan.products) != 0) {
        return bad_config(detail, "config.products", text("%u", config.products),
                          text("a sum of what the bundle makes: %u", plan.products));
    }
    if (config.samples > plan.body_samples && plan.body_samples <= 2 * plan.halo_lines) {
        return bad_config(detail, "config.samples", text("%u", config.samples),
                          text("at most %u: the bundle's body is too narrow for panels", plan.body_samples));
    }
    const onb_status status = check_gas(config, plan, detail);
    return status == ONB_OK ? check_denoiser(config, plan, detail) : status;
}

} // namespace onb
