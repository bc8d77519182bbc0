// The matched filter of each class of ground, and how much clutter they leave.
#include "filter_steps.hpp"

#include <cstring>

namespace onb {

namespace {

constexpr double prior = 500.0;         // pixels that a class's covariance is drawn to the pooled one by
constexpr double mean_prior = 50.0;     // and its mean to none

// Pixels of a class in a batch from which its own deviation says what looks like a plume.
constexpr uint32_t least_own = 64;

// Class k's covariance about its mean, drawn to the pooled one, into the scratch's system; loaded by noise.
void fill_system(Session *s, uint32_t k) {
    const size_t bands = s->plan.mf_bands;
    const size_t pitch = s->filter_pitch;
    const double *scatter = s->after.class_scatter + k * pitch * pitch;
    const double *sum = s->after.class_sum + k * pitch;
    const double *mean = s->scratch.class_mean;
    const double count = s->after.class_count[k];
    const double pooled = prior / (s->after.count > 1.0 ? s->after.count : 1.0);
    const double inverse = 1.0 / (count + prior);
    const double known = s->after.count < prior ? s->after.count : prior;
    const double load = 2.0 * static_cast<double>(bands) / (static_cast<double>(bands) + count + known);
    const GasTables &gas = s->constants.gas;
    for (size_t i = 0; i < bands; ++i) {
        double *row = s->scratch.system + i * pitch;
        const double shift = count * mean[i] - sum[i];
        for (size_t j = i; j < bands; ++j) {
            const double own = scatter[i * pitch + j] - mean[i] * sum[j] + shift * mean[j];
            row[j] = (own + pooled * s->after.scatter[i * pitch + j]) * inverse;
        }
        row[i] += load * (gas.noise_one[i] + gas.noise_two[i]) + loading +
                  lacking_variance(s->after.lacking, s->dead, i);
    }
}

void solve_class(Session *s, uint32_t k) {
    const size_t pitch = s->filter_pitch;
    const double inverse = 1.0 / (s->after.class_kept_count[k] + mean_prior);
    for (size_t i = 0; i < pitch; ++i) {
        s->scratch.class_mean[i] = s->after.class_kept_sum[k * pitch + i] * inverse;
    }
    fill_system(s, k);
    make_filter(s, k);
    double offset = 0.0;
    for (size_t i = 0; i < s->plan.mf_bands; ++i) {
        offset += s->scratch.solution[i] * s->scratch.class_mean[i];
    }
    s->scratch.filters[k].offset = offset;
}

} // namespace

void solve_classes(Session *s, const Batch &batch) {
    bool seen[max_classes] = {};
    for (size_t i = 0; i < batch.lines; ++i) {
        const uint8_t *classes = s->classes_of(batch.first_line + i);
        for (size_t c = 0; c < s->samples; ++c) {
            seen[classes[c]] = true;
        }
    }
    for (uint32_t k = 0; k < s->plan.ground_classes; ++k) {
        if (seen[k]) {
            solve_class(s, k);
        }
    }
}

bool limit_classes(Session *s, const Batch &batch) {
    const uint32_t *starts = s->scratch.class_starts;
    const uint32_t count = starts[s->plan.ground_classes];
    float *const magnitudes = s->scratch.magnitudes;
    const float *alpha = s->window.enhancement + s->plane(batch.first_row);
    for (uint32_t i = 0; i < count; ++i) {
        magnitudes[i] = std::fabs(alpha[s->scratch.class_pixels[i]]);
    }
    for (uint32_t k = 0; k < s->plan.ground_classes; ++k) {
        const uint32_t own = starts[k + 1] - starts[k];
        s->scratch.filters[k].limit = own >= least_own ? robust_limit(*s, magnitudes + starts[k], own) : -1.0;
    }
    const double overall = count > 0 ? robust_limit(*s, magnitudes, count) : 0.0;
    for (uint32_t k = 0; k < s->plan.ground_classes; ++k) {
        BandFilter &filter = s->scratch.filters[k];
        filter.limit = filter.limit < 0.0 ? overall : filter.limit;
    }
    return count > 0;
}

double clutter_variance(const Session &s, const Batch &batch) {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
    double noise = 0.0;
    const bool sorted = s.plan.ground_classes > 0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t plane = s.plane(batch.first_row + i);
        const uint8_t *classes = sorted ? s.classes_of(batch.first_line + i) : nullptr;
        for (size_t c = first_chosen(s, batch.first_line + i); c < s.samples; c += s.plan.covariance_stride) {
            if ((s.window.keep[plane + c] & in_means) == 0) {
                continue;
            }
            // Welford: no difference of large sums.
            const double alpha = static_cast<double>(s.window.enhancement[plane + c]);
            const double d = alpha - mean;
            count += 1.0;
            mean += d / count;
            squares += d * (alpha - mean);
            noise += noise_variance(s.scratch.filters[sorted ? classes[c] : 0], s.window.brightness[plane + c]);
        }
    }
    const double excess = count > 0.0 ? (squares - noise) / count : 0.0;
    return excess > 0.0 ? excess : 0.0;
}

} // namespace onb
