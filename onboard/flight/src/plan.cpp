#include "plan.hpp"

#include "checked.hpp"

#include <cmath>

namespace onb {

namespace {

constexpr size_t plan_size = 184;

struct Limit {
    const char *name;
    uint64_t value;
    uint64_t low, high;
};

onb_status refuse(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_BUNDLE_PLAN, "the plan holds a value that cannot be flown", field, found, expected);
}

Plan decode(const uint8_t *p) {
    Plan plan{};
    uint32_t *const wholes[] = {&plan.bands, &plan.mf_bands, &plan.curve_points, &plan.stem_pixels,
                                &plan.static_features, &plan.dynamic_features, &plan.body_lines,
                                &plan.body_samples, &plan.strip_lines, &plan.halo_lines, &plan.minerals,
                                &plan.memory_lines, &plan.covariance_stride, &plan.event_min_pixels};
    float *const reals[] = {&plan.kappa, &plan.exclude_sigma, &plan.alpha_scale, &plan.alpha_clip,
                            &plan.z_clip, &plan.feature_clip, &plan.plume_threshold,
                            &plan.event_peak_probability};
    const uint8_t *at = p + 8;
    for (uint32_t *whole : wholes) {
        *whole = read_u32(at);
        at += 4;
    }
    for (float *real : reals) {
        *real = read_f32(at);
        at += 4;
    }
    for (float &threshold : plan.mineral_thresholds) {
        threshold = read_f32(at);
        at += 4;
    }
    plan.known_lines = read_u32(at);
    plan.known_samples = read_u32(at + 4);
    plan.inference_bytes = read_u64(at + 8);
    plan.products = read_u32(at + 16);
    plan.exclude_near = read_u32(at + 20);
    return plan;
}

onb_status check_wholes(const Plan &plan, onb_detail *detail) {
    const Limit limits[] = {
        {"plan.bin: bands", plan.bands, 1, 4096},
        {"plan.bin: mf_bands", plan.mf_bands, 1, 512},
        {"plan.bin: curve_points", plan.curve_points, 2, 64},
        {"plan.bin: stem_pixels", plan.stem_pixels, 1, 65536},
        {"plan.bin: static_features", plan.static_features, 0, 256},
        {"plan.bin: dynamic_features", plan.dynamic_features, 0, 256},
        {"plan.bin: body_lines", plan.body_lines, 1, 4096},
        {"plan.bin: body_samples", plan.body_samples, 1, 65536},
        {"plan.bin: strip_lines", plan.strip_lines, 1, 4096},
        {"plan.bin: halo_lines", plan.halo_lines, 0, 1024},
        {"plan.bin: minerals", plan.minerals, 0, ONB_MAX_MINERALS},
        {"plan.bin: memory_lines", plan.memory_lines, 1, 1u << 24},
        {"plan.bin: covariance_stride", plan.covariance_stride, 1, 4096},
        {"plan.bin: event_min_pixels", plan.event_min_pixels, 1, 1u << 24},
        {"plan.bin: known_lines", plan.known_lines, 0, 4096},
        {"plan.bin: known_samples", plan.known_samples, 0, 65536},
        {"plan.bin: inference_bytes", plan.inference_bytes, 0, UINT64_C(1) << 40},
        {"plan.bin: products", plan.products, 1, ONB_PRODUCT_METHANE | ONB_PRODUCT_MINERALS},
        {"plan.bin: exclude_near", plan.exclude_near, 0, 1024},
    };
    for (const Limit &limit : limits) {
        if (limit.value < limit.low || limit.value > limit.high) {
            return refuse(detail, limit.name, text("%llu", static_cast<unsigned long long>(limit.value)),
                          text("%llu to %llu", static_cast<unsigned long long>(limit.low),
                               static_cast<unsigned long long>(limit.high)));
        }
    }
    return ONB_OK;
}

onb_status check_reals(const Plan &plan, onb_detail *detail) {
    const struct {
        const char *name;
        float value;
        bool legal;
    } reals[] = {
        {"plan.bin: kappa", plan.kappa, plan.kappa >= 0.0f},
        {"plan.bin: exclude_sigma", plan.exclude_sigma, plan.exclude_sigma > 0.0f},
        {"plan.bin: alpha_scale", plan.alpha_scale, plan.alpha_scale > 0.0f},
        {"plan.bin: alpha_clip", plan.alpha_clip, plan.alpha_clip > 0.0f},
        {"plan.bin: z_clip", plan.z_clip, plan.z_clip > 0.0f},
        {"plan.bin: feature_clip", plan.feature_clip, plan.feature_clip > 0.0f},
        {"plan.bin: plume_threshold", plan.plume_threshold,
         plan.plume_threshold >= 0.0f && plan.plume_threshold <= 1.0f},
        {"plan.bin: event_peak_probability", plan.event_peak_probability,
         plan.event_peak_probability >= 0.0f && plan.event_peak_probability <= 1.0f},
    };
    for (const auto &real : reals) {
        if (!real.legal || !std::isfinite(real.value)) {
            return refuse(detail, real.name, text("%g", static_cast<double>(real.value)),
                          text("a finite number in its range"));
        }
    }
    for (uint32_t i = 0; i < ONB_MAX_MINERALS; ++i) {
        const float value = plan.mineral_thresholds[i];
        if (!(value >= 0.0f && value <= 1.0f)) {
            return refuse(detail, "plan.bin: mineral_thresholds", text("%g", static_cast<double>(value)),
                          text("0 to 1"));
        }
    }
    return ONB_OK;
}

onb_status check_contradictions(const Plan &plan, onb_detail *detail) {
    const uint32_t window = plan.strip_lines + 2 * plan.halo_lines;
    if (plan.body_lines != window) {
        return refuse(detail, "plan.bin: body_lines", text("%u", plan.body_lines),
                      text("strip_lines + 2 x halo_lines = %u", window));
    }
    if (plan.mf_bands > plan.bands) {
        return refuse(detail, "plan.bin: mf_bands", text("%u", plan.mf_bands),
                      text("at most bands = %u", plan.bands));
    }
    if (plan.features() < 1) {
        return refuse(detail, "plan.bin: static_features", text("0, and no dynamic_features"),
                      text("at least 1 feature"));
    }
    if ((plan.known_lines == 0) != (plan.known_samples == 0)) {
        return refuse(detail, "plan.bin: known_lines", text("%u", plan.known_lines),
                      text("0 exactly when known_samples is 0"));
    }
    if ((plan.products & ONB_PRODUCT_MINERALS) != 0 && plan.minerals == 0) {
        return refuse(detail, "plan.bin: products", text("%u", plan.products),
                      text("no minerals bit in a plan without minerals"));
    }
    return ONB_OK;
}

onb_status read_plan(Bytes part, Plan *plan, onb_detail *detail) {
    if (part.data == nullptr || part.size != plan_size) {
        return refuse(detail, "plan.bin: length", text("%zu bytes", part.size), text("%zu bytes", plan_size));
    }
    if (read_u32(part.data + 4) != 1) {
        return fail(detail, ONB_BUNDLE_VERSION, "unknown plan version", "plan.bin: version",
                    text("%u", read_u32(part.data + 4)), text("1"));
    }
    if (read_u32(part.data) != plan_size) {
        return refuse(detail, "plan.bin: struct_size", text("%u", read_u32(part.data)), text("%zu", plan_size));
    }
    *plan = decode(part.data);
    onb_status status = check_wholes(*plan, detail);
    if (status == ONB_OK) {
        status = check_reals(*plan, detail);
    }
    return status == ONB_OK ? check_contradictions(*plan, detail) : status;
}

// Finds a part and holds its size against what the plan makes of it; size 0 asks for any size.
onb_status take(const Container &container, const char *name, uint64_t size, Bytes *part, onb_detail *detail) {
    *part = container.find(name);
    if (part->data == nullptr) {
        return fail(detail, ONB_BUNDLE_MALFORMED, "a part is missing", name, text("nothing"),
                    text("a part of that name"));
    }
    if (size != 0 && part->size != size) {
        return refuse(detail, name, text("%zu bytes", part->size),
                      text("%llu bytes, by the plan", static_cast<unsigned long long>(size)));
    }
    return ONB_OK;
}

// The body is a graph or quantized, never both: what does not fly has no business in the file.
onb_status find_body(const Container &container, Tables *tables, onb_detail *detail) {
    tables->body = container.find("body.onnx");
    tables->body_int8 = container.find("body.i8");
    const bool graph = tables->body.data != nullptr;
    const bool quantized = tables->body_int8.data != nullptr;
    if (graph != quantized) {
        return ONB_OK;
    }
    return fail(detail, ONB_BUNDLE_MALFORMED, "a bundle needs one body", "body.onnx",
                text(graph ? "body.onnx and body.i8" : "nothing"), text("a part body.onnx, or a part body.i8"));
}

onb_status find_tables(const Container &container, const Plan &plan, Tables *tables, onb_detail *detail) {
    const uint64_t bands = plan.bands;
    const uint64_t filter = plan.mf_bands;
    const struct {
        const char *name;
        uint64_t size;
        Bytes *part;
    } wanted[] = {
        {"manifest.json", 0, &tables->manifest},
        {"stem.onnx", 0, &tables->stem},
        {"bands.f32", 8 * bands, &tables->bands},
        {"reference.f32", 4 * bands, &tables->reference},
        {"mf_bands.u16", 2 * filter, &tables->mf_bands},
        {"mf_curve.f32", 4 * plan.curve_points * (filter + 1), &tables->curve},
        {"mf_noise.f32", 8 * filter, &tables->noise},
    };
    for (const auto &item : wanted) {
        const onb_status status = take(container, item.name, item.size, item.part, detail);
        if (status != ONB_OK) {
            return status;
        }
    }
    return find_body(container, tables, detail);
}

// The known answer is all there, of the size the plan gives, or not there at all.
onb_status find_known_answer(const Container &container, const Plan &plan, Tables *tables, onb_detail *detail) {
    tables->known_input = container.find("known_input.f32");
    tables->known_output = container.find("known_output.f32");
    if (plan.known_lines == 0) {
        tables->known_input = tables->known_output = {nullptr, 0};
        return ONB_OK;
    }
    const uint64_t pixels = static_cast<uint64_t>(plan.known_lines) * plan.known_samples;
    const onb_status status =
        take(container, "known_input.f32", 4 * pixels * plan.bands, &tables->known_input, detail);
    return status != ONB_OK ? status
                            : take(container, "known_output.f32", 8 * pixels, &tables->known_output, detail);
}

// Every value of a float table is finite and at least `low`.
onb_status check_floats(Bytes part, const char *name, float low, onb_detail *detail) {
    for (size_t i = 0; i + 4 <= part.size; i += 4) {
        const float value = read_f32(part.data + i);
        if (!std::isfinite(value) || value < low) {
            return refuse(detail, name, text("%g at index %zu", static_cast<double>(value), i / 4),
                          text("finite numbers, at least %g", static_cast<double>(low)));
        }
    }
    return ONB_OK;
}

onb_status check_filter_bands(const Tables &tables, const Plan &plan, onb_detail *detail) {
    uint32_t least = 0;
    for (size_t i = 0; i < plan.mf_bands; ++i) {
        const uint8_t *at = tables.mf_bands.data + 2 * i;
        const uint32_t band = static_cast<uint32_t>(at[0]) | static_cast<uint32_t>(at[1]) << 8;
        if (band < least || band >= plan.bands) {
            return refuse(detail, "mf_bands.u16", text("%u at index %zu", band, i),
                          text("rising band numbers below %u", plan.bands));
        }
        least = band + 1;
    }
    return ONB_OK;
}

onb_status check_curve(const Tables &tables, const Plan &plan, onb_detail *detail) {
    const uint8_t *curve = tables.curve.data;
    float last = 0.0f;
    for (uint32_t i = 0; i < plan.curve_points; ++i) {
        const float alpha = read_f32(curve + 4 * static_cast<size_t>(i));
        if (i == 0 ? alpha != 0.0f : !(alpha > last)) {
            return refuse(detail, "mf_curve.f32", text("enhancement %g at point %u", static_cast<double>(alpha), i),
                          text("rising enhancements from 0"));
        }
        last = alpha;
    }
    const uint8_t *rows = curve + 4 * static_cast<size_t>(plan.curve_points);
    bool absorbs = false;
    for (size_t k = 0; k < plan.mf_bands; ++k) {
        absorbs = absorbs || read_f32(rows + 4 * (plan.mf_bands + k)) != 0.0f;
        if (read_f32(rows + 4 * k) != 0.0f) {
            return refuse(detail, "mf_curve.f32", text("absorption at enhancement 0"), text("none"));
        }
    }
    return absorbs ? ONB_OK
                   : refuse(detail, "mf_curve.f32", text("no absorption at point 1"), text("some in a band"));
}

onb_status check_tables(const Tables &tables, const Plan &plan, onb_detail *detail) {
    onb_status status = check_floats(tables.bands, "bands.f32", 0.0f, detail);
    if (status == ONB_OK) {
        status = check_floats(tables.reference, "reference.f32", 1e-9f, detail);
    }
    if (status == ONB_OK) {
        status = check_floats(tables.noise, "mf_noise.f32", 0.0f, detail);
    }
    if (status == ONB_OK) {
        status = check_floats(tables.curve, "mf_curve.f32", -1e9f, detail);
    }
    if (status == ONB_OK) {
        status = check_filter_bands(tables, plan, detail);
    }
    return status == ONB_OK ? check_curve(tables, plan, detail) : status;
}

} // namespace

onb_status read_bundle(Bytes file, Bundle *bundle, onb_detail *detail) {
    onb_status status = read_container(file, &bundle->container, detail);
    if (status == ONB_OK) {
        status = read_plan(bundle->container.find("plan.bin"), &bundle->plan, detail);
    }
    bundle->tables = Tables{};
    if (status == ONB_OK) {
        status = read_limits(bundle->container, &bundle->limits, detail);
    }
    if (status == ONB_OK) {
        DenoiserPlan denoiser;
        status = read_denoiser(bundle->container, bundle->plan.body_lines, &denoiser, &bundle->tables.denoiser,
                               detail);
        bundle->plan.denoiser_samples = denoiser.samples;
        bundle->plan.denoiser_bytes = denoiser.inference_bytes;
    }
    if (status == ONB_OK) {
        ClassPlan *classes = &bundle->tables.classes;
        status = read_classes(bundle->container, bundle->plan.bands, classes, detail);
        bundle->plan.ground_classes = classes->classes;
        bundle->plan.class_bands = classes->bands;
    }
    if (status == ONB_OK) {
        status = find_tables(bundle->container, bundle->plan, &bundle->tables, detail);
    }
    if (status == ONB_OK) {
        status = find_known_answer(bundle->container, bundle->plan, &bundle->tables, detail);
    }
    if (status == ONB_OK && bundle->quantized()) {
        status = read_int8(bundle->tables.body_int8, bundle->plan, &bundle->int8, detail);
    }
    return status == ONB_OK ? check_tables(bundle->tables, bundle->plan, detail) : status;
}

} // namespace onb
