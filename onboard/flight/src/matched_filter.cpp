// The streaming matched filter: running column means, one loaded covariance, two passes an event.
// The same algorithm as onboard/models/streaming_filter.py, which is its reference.
#include "filter_steps.hpp"
#include "linalg.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace onb {

namespace {

constexpr double loading = 1e-8;
constexpr double magnitude_to_deviation = 1.4826;
// Pixels below dark_limit teach nothing, unless hardly any pixel is brighter.
constexpr double least_lit = 0.1;

// The filter w = Sigma^-1 t / (t^T Sigma^-1 t); the sensor's noise loads Sigma while pixels are few.
void solve_weights(Session *s) {
    const size_t bands = s->plan.mf_bands;
    const size_t pitch = s->filter_pitch;
    const GasTables &gas = s->constants.gas;
    double *const solution = s->scratch.solution;
    const double count = s->after.count > 1.0 ? s->after.count : 1.0;
    const double load = 2.0 * static_cast<double>(bands) / (static_cast<double>(bands) + s->after.count);
    for (size_t i = 0; i < bands; ++i) {
        for (size_t j = i; j < bands; ++j) {
            s->scratch.system[i * pitch + j] = s->after.scatter[i * pitch + j] / count;
        }
        s->scratch.system[i * pitch + i] += load * (gas.noise_one[i] + gas.noise_two[i]) + loading;
        solution[i] = gas.target[i];
    }
    if (!solve_spd(s->scratch.system, bands, pitch, solution)) {
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

void use_weights(Session *s) {
    FilterScratch &scratch = s->scratch;
    const GasTables &gas = s->constants.gas;
    scratch.per_square = scratch.per_one = 0.0;
    for (size_t k = 0; k < s->plan.mf_bands; ++k) {
        const double w = scratch.solution[k];
        scratch.weights[k] = static_cast<float>(w);
        scratch.per_square += w * w * gas.noise_one[k];
        scratch.per_one += w * w * gas.noise_two[k];
    }
    scratch.response = make_response(gas, scratch.solution);
}

void filter_lines(Session *s, const Batch &batch) {
    const size_t pitch = s->filter_pitch;
    for (size_t i = 0; i < batch.lines; ++i) {
        const int16_t *counts = s->counts_of(batch.first_line + i);
        float *out = s->window.enhancement + s->plane(batch.first_row + i);
        for (size_t c = 0; c < s->samples; ++c) {
            const float linear = s->kernels->filter(counts + c * pitch, s->scratch.used + c * pitch,
                                                    s->scratch.weights, pitch);
            out[c] = static_cast<float>(s->scratch.response.enhancement(static_cast<double>(linear)));
        }
    }
}

// One pass: statistics on top of the state before the event, filter, enhancement.
void pass(Session *s, const Batch &batch) {
    update_statistics(s, batch);
    solve_weights(s);
    use_weights(s);
    filter_lines(s, batch);
}

double noise_variance(const FilterScratch &scratch, float brightness) {
    const double inverse = std::exp(-static_cast<double>(brightness));
    return (scratch.per_square * inverse + scratch.per_one) * inverse;
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

// Plumes must not teach the filter what background is. False if there is nothing to judge by.
bool leave_out_plumes(Session *s, const Batch &batch) {
    const size_t count = gather_magnitudes(s, batch);
    if (count == 0) {
        return false;
    }
    float *const magnitudes = s->scratch.magnitudes;
    std::nth_element(magnitudes, magnitudes + count / 2, magnitudes + count);
    const double deviation = magnitude_to_deviation * static_cast<double>(magnitudes[count / 2]);
    const double limit = static_cast<double>(s->plan.exclude_sigma) * deviation;
    const float *alpha = s->window.enhancement;
    const size_t first = s->plane(batch.first_row);
    for (size_t i = first; i < first + batch.lines * s->samples; ++i) {
        if (static_cast<double>(alpha[i]) > limit) {
            s->window.keep[i] &= teaches;
        }
    }
    return true;
}

// Variance of the enhancement beyond the mean of its noise, over the kept pixels of the covariance.
double clutter_variance(const Session &s, const Batch &batch) {
    double count = 0.0;
    double mean = 0.0;
    double squares = 0.0;
    double noise = 0.0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t plane = s.plane(batch.first_row + i);
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
            noise += noise_variance(s.scratch, s.window.brightness[plane + c]);
        }
    }
    const double excess = count > 0.0 ? (squares - noise) / count : 0.0;
    return excess > 0.0 ? excess : 0.0;
}

// Instrument noise carried through the filter, plus what clutter adds beyond it.
void find_sigma(Session *s, const Batch &batch) {
    const double clutter = clutter_variance(*s, batch);
    const float *brightness = s->window.brightness;
    const size_t first = s->plane(batch.first_row);
    for (size_t i = first; i < first + batch.lines * s->samples; ++i) {
        s->window.sigma[i] = static_cast<float>(std::sqrt(noise_variance(s->scratch, brightness[i]) + clutter));
    }
}

} // namespace

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
}

} // namespace onb
