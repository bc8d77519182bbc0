// The plan and the tables of a bundle: numbers that fix shapes, physics and thresholds.
#pragma once

#include "class_plan.hpp"
#include "denoiser_plan.hpp"
#include "int8_net.hpp"
#include "limits.hpp"

namespace onb {

// Values of plan.bin, in file order.
struct Plan {
    uint32_t bands, mf_bands, curve_points, stem_pixels;
    uint32_t static_features, dynamic_features;
    uint32_t body_lines, body_samples, strip_lines, halo_lines;
    uint32_t minerals, memory_lines, covariance_stride, event_min_pixels;
    float kappa, exclude_sigma, alpha_scale, alpha_clip, z_clip, feature_clip;
    float plume_threshold, event_peak_probability;
    float mineral_thresholds[ONB_MAX_MINERALS];
    uint32_t known_lines, known_samples;
    uint64_t inference_bytes;
    uint32_t products;
    uint32_t exclude_near; // lines and samples around plumes that stay out of the means
    uint32_t denoiser_samples; // of denoiser.bin; 0: the bundle has none
    uint64_t denoiser_bytes;
    uint32_t ground_classes, class_bands; // of classes.bin; 0: the bundle has none

    uint32_t features() const { return static_features + dynamic_features; }
    uint32_t channels() const { return 4 + features(); }
    uint32_t outputs() const { return 1 + minerals; }
    // Lines that must have arrived before the first strip can run.
    uint32_t first_lines() const { return strip_lines + halo_lines; }
};

// Where the parts lie; their sizes fit the plan. known_input, known_output and denoiser may be absent (null),
// and of body and body_int8 one is.
struct Tables {
    Bytes manifest, stem, body, body_int8, bands, reference, mf_bands, curve, noise, known_input, known_output;
    Bytes denoiser;
    ClassPlan classes; // none where the part is missing
};

struct Bundle {
    Container container;
    Plan plan;
    Tables tables;
    Limits limits;
    Int8Net int8; // where the body is quantized

    bool quantized() const { return tables.body_int8.data != nullptr; }
};

// Reads container, plan, limits and tables, and checks all but the signature.
onb_status read_bundle(Bytes file, Bundle *bundle, onb_detail *detail);

} // namespace onb
