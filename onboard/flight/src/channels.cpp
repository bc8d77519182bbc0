// What the body sees: the filter's channels, and features relative to their column's background.
#include "filter_steps.hpp"

#include <cmath>

namespace onb {

namespace {

constexpr float std_floor = 1e-3f;
constexpr double mature_lines = 32.0;

float clipped(float value, float limit) {
    value = value < limit ? value : limit;
    return value > -limit ? value : -limit; // a NaN becomes -limit
}

// The four channels that the filter feeds, one row.
void fill_filter_channels(Session *s, size_t row) {
    const Plan &plan = s->plan;
    const size_t plane = s->plane(row);
    for (size_t c = 0; c < s->samples; ++c) {
        const bool valid = !invalid(s->window.quality[plane + c]);
        // What is too dark to tell of gas tells of none; the map of enhancement keeps what the filter found.
        const bool lit = valid && s->window.brightness[plane + c] > dark_limit;
        const float alpha = s->window.enhancement[plane + c];
        const float sigma = s->window.sigma[plane + c];
        s->channel_row(0, row)[c] = lit ? clipped(alpha / plan.alpha_scale, plan.alpha_clip) : 0.0f;
        s->channel_row(1, row)[c] = lit ? clipped(alpha / (sigma > 1e-6f ? sigma : 1e-6f), plan.z_clip) : 0.0f;
        s->channel_row(2, row)[c] = valid ? 1.0f : 0.0f;
        s->channel_row(3, row)[c] = valid ? clipped(s->window.brightness[plane + c], 3.0f) : 0.0f;
    }
}

void normalise_features(Session *s, size_t row) {
    const double count = s->after.count > 1.0 ? s->after.count : 1.0;
    const uint8_t *quality = s->window.quality + s->plane(row);
    for (uint32_t f = 0; f < s->plan.dynamic_features; ++f) {
        const float *used = s->scratch.used_features + f * s->samples;
        const auto deviation = static_cast<float>(std::sqrt(s->after.feature_scatter[f] / count)) + std_floor;
        float *values = s->channel_row(4 + s->plan.static_features + f, row);
        for (size_t c = 0; c < s->samples; ++c) {
            const bool valid = !invalid(quality[c]);
            values[c] = valid ? clipped((values[c] - used[c]) / deviation, s->plan.feature_clip) : 0.0f;
        }
    }
}

void mark_immature(Session *s, size_t row) {
    uint8_t *quality = s->window.quality + s->plane(row);
    for (size_t c = 0; c < s->samples; ++c) {
        if (s->after.weight[c] < mature_lines) {
            quality[c] = static_cast<uint8_t>(quality[c] | ONB_QUALITY_IMMATURE);
        }
    }
}

// The planes of a row as bytes, each at its own scale.
void quantize_row(Session *s, size_t row) {
    const float *planes[Int8Net::max_planes];
    for (uint32_t c = 0; c < s->plan.channels(); ++c) {
        planes[c] = s->channel_row(c, row);
    }
    int8_take_line(s->int8, planes, s->samples, s->byte_row(row));
}

} // namespace

void fill_channels(Session *s, const Batch &batch) {
    for (size_t row = batch.first_row; row < batch.first_row + batch.lines; ++row) {
        fill_filter_channels(s, row);
        normalise_features(s, row);
        mark_immature(s, row);
    }
    if (s->quantized()) {
        const uint64_t begun = now_ns();
        for (size_t row = batch.first_row; row < batch.first_row + batch.lines; ++row) {
            quantize_row(s, row);
        }
        s->counters.body_ns_total += now_ns() - begun;
    }
}

} // namespace onb
