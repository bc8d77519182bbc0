// The streaming matched filter: running column means, one loaded covariance, two passes an event.
// The same algorithm as onboard/models/streaming_filter.py, which is its reference.
#include "filter_steps.hpp"
#include "linalg.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace onb {

namespace {

constexpr double magnitude_to_deviation = 1.4826;
// Pixels below dark_limit teach nothing, unless hardly any pixel is brighter.
constexpr double least_lit = 0.1;
// So many times the limit beyond which a pixel looks like a plume make it a sure one.
constexpr double surely = 5.0 / 3.0;

// The covariance of all ground into the scratch's system; the sensor's noise loads it while pixels are few.
void fill_system(Session *s) {
    const size_t bands = s->plan.mf_bands;
    const size_t pitch = s->filter_pitch;
    const GasTables &gas = s->constants.gas;
    const double count = s->after.count > 1.0 ? s->after.count : 1.0;
    const double load = 2.0 * static_cast<double>(bands) / (static_cast<double>(bands) + s->after.count);
    for (size_t i = 0; i < bands; ++i) {
        for (size_t j = i; j < bands; ++j) {
            s->scratch.system[i * pitch + j] = s->after.scatter[i * pitch + j] / count;
        }
        s->scratch.system[i * pitch + i] += load * (gas.noise_one[i] + gas.noise_two[i]) + loading +
                                            lacking_variance(s->after.lacking, s->dead, i);
    }
}

// Weights of the system in the scratch.
void solve_weights(Session *s) {
    const size_t bands = s->plan.mf_bands;
    const GasTables &gas = s->constants.gas;
    double *const solution = s->scratch.solution;
    memcpy(solution, gas.target, bands * sizeof(double));
    if (!solve_spd(s->scratch.system, bands, s->filter_pitch, solution)) {
        memcpy(solution, gas.target, bands * sizeof(double)); // rounding alone can do this: do not whiten
    }
    double norm = 0.0;
    for (size_t k = 0; k < bands; ++k) {
        norm += gas.target[k] * solution[k];
    }
    for (size_t k = 0; k < bands; ++k) {
        solution[k] /= norm;
    }
}

void solve(Session *s, const Batch &batch) {
    if (s->plan.ground_classes > 0) {
        solve_classes(s, batch);
        return;
    }
    fill_system(s);
    make_filter(s, 0);
    s->scratch.filters[0].offset = 0.0;
}

void filter_lines(Session *s, const Batch &batch) {
    const size_t pitch = s->filter_pitch;
    const bool sorted = s->plan.ground_classes > 0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const int16_t *counts = s->counts_of(batch.first_line + i);
        const uint8_t *classes = sorted ? s->classes_of(batch.first_line + i) : nullptr;
        float *out = s->window.enhancement + s->plane(batch.first_row + i);
        for (size_t c = 0; c < s->samples; ++c) {
            const BandFilter &filter = s->scratch.filters[sorted ? classes[c] : 0];
            const float linear =
                s->kernels->filter(counts + c * pitch, s->scratch.used + c * pitch, filter.weights, pitch);
            out[c] =
                static_cast<float>(filter.response.enhancement(static_cast<double>(linear) - filter.offset));
        }
    }
}

// One pass: statistics on top of the state before the event, filter, enhancement.
void pass(Session *s, const Batch &batch) {
    update_statistics(s, batch);
    solve(s, batch);
    filter_lines(s, batch);
}

// Marks the pixels that the statistics learn from: valid ones that are not too dark.
void choose_teaching(Session *s, const Batch &batch) {
    const size_t first = s->plane(batch.first_row);
    const size_t end = first + batch.lines * s->samples;
    size_t valid = 0;
    size_t lit = 0;
    for (size_t i = first; i < end; ++i) {
        const bool good = !invalid(s->window.quality[i]);
        valid += good ? 1 : 0;
        lit += good && s->window.brightness[i] > dark_limit ? 1 : 0;
    }
    const bool all = static_cast<double>(lit) < least_lit * static_cast<double>(valid);
    for (size_t i = first; i < end; ++i) {
        const bool good = !invalid(s->window.quality[i]) && (all || s->window.brightness[i] > dark_limit);
        s->window.keep[i] = good ? teaches | in_means : 0;
    }
}

// Magnitudes of the enhancement on the covariance's valid pixels, into the scratch; how many.
size_t gather_magnitudes(Session *s, const Batch &batch) {
    size_t count = 0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t plane = s->plane(batch.first_row + i);
        for (size_t c = first_chosen(*s, batch.first_line + i); c < s->samples; c += s->plan.covariance_stride) {
            if ((s->window.keep[plane + c] & teaches) != 0) {
                s->scratch.magnitudes[count++] = std::fabs(s->window.enhancement[plane + c]);
            }
        }
    }
    return count;
}

// Beyond which enhancement a pixel looks like a plume, of all ground or of each class; false if there is
// nothing to judge by.
bool find_limits(Session *s, const Batch &batch) {
    if (s->plan.ground_classes > 0) {
        return limit_classes(s, batch);
    }
    const size_t count = gather_magnitudes(s, batch);
    s->scratch.filters[0].limit = count > 0 ? robust_limit(*s, s->scratch.magnitudes, count) : 0.0;
    return count > 0;
}

// Plumes must not teach the filter what background is. False if there is nothing to judge by.
bool leave_out_plumes(Session *s, const Batch &batch) {
    if (!find_limits(s, batch)) {
        return false;
    }
    const bool sorted = s->plan.ground_classes > 0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t plane = s->plane(batch.first_row + i);
        const uint8_t *classes = sorted ? s->classes_of(batch.first_line + i) : nullptr;
        for (size_t c = 0; c < s->samples; ++c) {
            const double limit = s->scratch.filters[sorted ? classes[c] : 0].limit;
            const double alpha = static_cast<double>(s->window.enhancement[plane + c]);
            uint8_t &keep = s->window.keep[plane + c];
            if (alpha > surely * limit && (keep & teaches) != 0) {
                keep |= sure;
            }
            if (alpha > limit) {
                keep &= static_cast<uint8_t>(~in_means);
            }
        }
    }
    leave_out_surroundings(s, batch);
    return true;
}

// Instrument noise carried through the filter, plus what clutter adds beyond it.
void find_sigma(Session *s, const Batch &batch) {
    const bool sorted = s->plan.ground_classes > 0;
    const double clutter = clutter_variance(*s, batch);
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t plane = s->plane(batch.first_row + i);
        const uint8_t *classes = sorted ? s->classes_of(batch.first_line + i) : nullptr;
        for (size_t c = 0; c < s->samples; ++c) {
            const BandFilter &filter = s->scratch.filters[sorted ? classes[c] : 0];
            const double noise = noise_variance(filter, s->window.brightness[plane + c]);
            s->window.sigma[plane + c] = static_cast<float>(std::sqrt(noise + clutter));
        }
    }
}

} // namespace

double robust_limit(const Session &s, float *magnitudes, size_t count) {
    std::nth_element(magnitudes, magnitudes + count / 2, magnitudes + count);
    const double deviation = magnitude_to_deviation * static_cast<double>(magnitudes[count / 2]);
    return static_cast<double>(s.plan.exclude_sigma) * deviation;
}

void make_filter(Session *s, uint32_t k) {
    const GasTables &gas = s->constants.gas;
    BandFilter &filter = s->scratch.filters[k];
    solve_weights(s);
    filter.per_square = filter.per_one = 0.0;
    for (size_t i = 0; i < s->plan.mf_bands; ++i) {
        const double w = s->scratch.solution[i];
        filter.weights[i] = static_cast<float>(w);
        filter.per_square += w * w * gas.noise_one[i];
        filter.per_one += w * w * gas.noise_two[i];
    }
    filter.response = make_response(gas, s->scratch.solution);
}

void judge_lines(Session *s) {
    const Batch batch = {s->judged, s->row_of(s->judged), static_cast<size_t>(s->arrived - s->judged)};
    if (batch.lines == 0) {
        return;
    }
    choose_teaching(s, batch);
    pass(s, batch);
    if (leave_out_plumes(s, batch)) {
        pass(s, batch);
    }
    find_sigma(s, batch);
    fill_channels(s, batch);
    const Statistics spare = s->before;
    s->before = s->after;
    s->after = spare;
    s->judged = s->arrived;
    judged_dead_bands(&s->dead, s->plan);
}

} // namespace onb
