// The streaming matched filter: running column means, one shrunk covariance, two passes an event.
// The same algorithm as onboard/models/streaming_filter.py, which is its reference.
#include "linalg.hpp"
#include "session.hpp"

#include <cmath>
#include <cstring>

namespace onb {

namespace {

constexpr double loading = 1e-7;
constexpr double tiny = 1e-12;
constexpr float std_floor = 1e-3f;
constexpr double mature_lines = 32.0;

// Rows of the window that hold the lines of this event.
struct Batch {
    uint64_t first_line;
    size_t first_row;
    size_t lines;
};

bool is_chosen(const Session &s, uint64_t line, size_t sample) {
    return (line + sample) % s.plan.covariance_stride == 0;
}

void sum_columns(Session *s, const Batch &batch) {
    FilterScratch &scratch = s->scratch;
    const size_t pitch = s->filter_pitch;
    memset(scratch.sums, 0, s->samples * pitch * sizeof(int32_t));
    memset(scratch.counts, 0, s->samples * sizeof(uint32_t));
    for (size_t i = 0; i < batch.lines; ++i) {
        const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
        const int16_t *counts = s->counts_of(batch.first_line + i);
        for (size_t c = 0; c < s->samples; ++c) {
            if (keep[c] != 0) {
                s->kernels->add_counts(scratch.sums + c * pitch, counts + c * pitch, pitch);
                ++scratch.counts[c];
            }
        }
    }
}

void sum_features(Session *s, const Batch &batch) {
    double *const sums = s->scratch.feature_sums;
    const size_t features = s->plan.dynamic_features;
    memset(sums, 0, s->samples * features * sizeof(double));
    for (uint32_t f = 0; f < features; ++f) {
        for (size_t i = 0; i < batch.lines; ++i) {
            const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
            const float *row = s->channel_row(4 + s->plan.static_features + f, batch.first_row + i);
            for (size_t c = 0; c < s->samples; ++c) {
                sums[c * features + f] += keep[c] != 0 ? static_cast<double>(row[c]) : 0.0;
            }
        }
    }
}

// Weight of a column's old mean, its memory held to the plan's.
double old_weight(const Session &s, size_t column) {
    const double memory = s.plan.memory_lines;
    return s.before.weight[column] < memory ? s.before.weight[column] : memory;
}

// New running means, out of the old ones and the sums of this event.
void update_means(Session *s) {
    const size_t pitch = s->filter_pitch;
    const size_t features = s->plan.dynamic_features;
    for (size_t c = 0; c < s->samples; ++c) {
        const double old = old_weight(*s, c);
        const double total = old + static_cast<double>(s->scratch.counts[c]);
        const double inverse = 1.0 / (total > tiny ? total : tiny);
        s->after.weight[c] = total;
        for (size_t k = 0; k < pitch; ++k) {
            const double sum = static_cast<double>(s->scratch.sums[c * pitch + k]) / static_cast<double>(log_scale);
            s->after.mean[c * pitch + k] = (old * s->before.mean[c * pitch + k] + sum) * inverse;
        }
        for (size_t f = 0; f < features; ++f) {
            const size_t at = c * features + f;
            s->after.feature_mean[at] =
                (old * s->before.feature_mean[at] + s->scratch.feature_sums[at]) * inverse;
        }
    }
}

// Mean over all columns, each by its weight, of [samples][width] values.
void overall_mean(Session *s, const double *values, size_t width) {
    double *const overall = s->scratch.overall;
    double weight = 0.0;
    memset(overall, 0, width * sizeof(double));
    for (size_t c = 0; c < s->samples; ++c) {
        weight += s->after.weight[c];
        for (size_t k = 0; k < width; ++k) {
            overall[k] += s->after.weight[c] * values[c * width + k];
        }
    }
    for (size_t k = 0; k < width; ++k) {
        overall[k] /= weight > tiny ? weight : tiny;
    }
}

// Draws column means towards the mean over all columns while few lines are behind them.
double shrunk(const Session &s, size_t column, double mean, double overall) {
    const double kappa = static_cast<double>(s.plan.kappa);
    const double total = s.after.weight[column] + kappa;
    return total > tiny ? (s.after.weight[column] * mean + kappa * overall) / total : overall;
}

void choose_means(Session *s) {
    const size_t pitch = s->filter_pitch;
    const size_t features = s->plan.dynamic_features;
    overall_mean(s, s->after.mean, pitch);
    for (size_t c = 0; c < s->samples; ++c) {
        for (size_t k = 0; k < pitch; ++k) {
            s->scratch.used[c * pitch + k] =
                static_cast<float>(shrunk(*s, c, s->after.mean[c * pitch + k], s->scratch.overall[k]));
        }
    }
    overall_mean(s, s->after.feature_mean, features);
    for (size_t c = 0; c < s->samples; ++c) {
        for (size_t f = 0; f < features; ++f) {
            s->scratch.used_features[f * s->samples + c] =
                static_cast<float>(shrunk(*s, c, s->after.feature_mean[c * features + f], s->scratch.overall[f]));
        }
    }
}

void forget_scatter(Session *s) {
    const size_t elements = s->filter_pitch * s->filter_pitch;
    const double cap = static_cast<double>(s->plan.memory_lines) * static_cast<double>(s->samples) /
                       static_cast<double>(s->plan.covariance_stride);
    double decay = 0.0;
    if (s->before.count > 0.0) {
        decay = cap < s->before.count ? cap / s->before.count : 1.0;
    }
    for (size_t i = 0; i < elements; ++i) {
        s->after.scatter[i] = decay * s->before.scatter[i];
    }
    for (size_t f = 0; f < s->plan.dynamic_features; ++f) {
        s->after.feature_scatter[f] = decay * s->before.feature_scatter[f];
    }
    s->after.count = decay * s->before.count;
}

void add_feature_scatter(Session *s, const Batch &batch) {
    for (uint32_t f = 0; f < s->plan.dynamic_features; ++f) {
        const float *used = s->scratch.used_features + f * s->samples;
        double sum = 0.0;
        for (size_t i = 0; i < batch.lines; ++i) {
            const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
            const float *row = s->channel_row(4 + s->plan.static_features + f, batch.first_row + i);
            const uint64_t stride = s->plan.covariance_stride;
            const uint64_t line = batch.first_line + i;
            for (size_t c = static_cast<size_t>((stride - line % stride) % stride); c < s->samples; c += stride) {
                const double d = keep[c] != 0 ? static_cast<double>(row[c]) - static_cast<double>(used[c]) : 0.0;
                sum += d * d;
            }
        }
        s->after.feature_scatter[f] += sum;
    }
}

void add_scatter(Session *s, const Batch &batch) {
    const size_t pitch = s->filter_pitch;
    float *const rows = s->scratch.rows;
    const uint64_t stride = s->plan.covariance_stride;
    size_t filled = 0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const uint64_t line = batch.first_line + i;
        const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
        const int16_t *counts = s->counts_of(line);
        for (size_t c = static_cast<size_t>((stride - line % stride) % stride); c < s->samples; c += stride) {
            if (keep[c] == 0) {
                continue;
            }
            s->kernels->deviation(counts + c * pitch, s->scratch.used + c * pitch, pitch, rows + filled * pitch);
            s->after.count += 1.0;
            if (++filled == FilterScratch::batch) {
                s->kernels->add_outer(s->after.scatter, rows, filled, pitch);
                filled = 0;
            }
        }
    }
    s->kernels->add_outer(s->after.scatter, rows, filled, pitch);
}

// The filter w = Sigma^-1 t / (t^T Sigma^-1 t), with Sigma shrunk towards its diagonal.
void solve_weights(Session *s) {
    const size_t bands = s->plan.mf_bands;
    const size_t pitch = s->filter_pitch;
    const double *target = s->constants.gas.target;
    double *const solution = s->scratch.solution;
    const double count = s->after.count > 1.0 ? s->after.count : 1.0;
    const double rho = static_cast<double>(bands) / (static_cast<double>(bands) + s->after.count);
    for (size_t i = 0; i < bands; ++i) {
        for (size_t j = i; j < bands; ++j) {
            const double covariance = s->after.scatter[i * pitch + j] / count;
            s->scratch.system[i * pitch + j] = i == j ? covariance + loading : (1.0 - rho) * covariance;
        }
        solution[i] = target[i];
    }
    if (!solve_spd(s->scratch.system, bands, pitch, solution)) {
        memcpy(solution, target, bands * sizeof(double)); // rounding alone can cause this: filter unwhitened
    }
    double norm = 0.0;
    for (size_t k = 0; k < bands; ++k) {
        norm += target[k] * solution[k];
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

// One pass: statistics of the kept pixels on top of the state before the event, filter, enhancement.
void pass(Session *s, const Batch &batch) {
    sum_columns(s, batch);
    sum_features(s, batch);
    update_means(s);
    choose_means(s);
    forget_scatter(s);
    add_scatter(s, batch);
    add_feature_scatter(s, batch);
    solve_weights(s);
    use_weights(s);
    filter_lines(s, batch);
}

struct Moments {
    double count, mean, variance;
};

double noise_variance(const FilterScratch &scratch, float brightness) {
    const double inverse = std::exp(-static_cast<double>(brightness));
    return (scratch.per_square * inverse + scratch.per_one) * inverse;
}

// Moments over the kept pixels of the covariance's subsample: of the enhancement, or of its noise.
template <class Value> Moments moments(const Session &s, const Batch &batch, Value value) {
    Moments result{};
    for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < batch.lines; ++i) {
            const size_t row = batch.first_row + i;
            for (size_t c = 0; c < s.samples; ++c) {
                if (s.window.keep[s.plane(row) + c] == 0 || !is_chosen(s, batch.first_line + i, c)) {
                    continue;
                }
                const double v = value(s.plane(row) + c);
                const double d = v - result.mean;
                if (round == 0) {
                    result.count += 1.0;
                    result.mean += d / result.count;
                } else {
                    result.variance += d * d;
                }
            }
        }
    }
    result.variance = result.count > 0.0 ? result.variance / result.count : 0.0;
    return result;
}

void keep_valid(Session *s, const Batch &batch) {
    const size_t first = s->plane(batch.first_row);
    const size_t pixels = batch.lines * s->samples;
    for (size_t i = first; i < first + pixels; ++i) {
        s->window.keep[i] = (s->window.quality[i] & ONB_QUALITY_INVALID) == 0 ? 1 : 0;
    }
}

// Plumes must not teach the filter what background is. False if there is nothing to judge by.
bool leave_out_plumes(Session *s, const Batch &batch) {
    const float *alpha = s->window.enhancement;
    const Moments m = moments(*s, batch, [alpha](size_t i) { return static_cast<double>(alpha[i]); });
    if (m.count < 1.0) {
        return false;
    }
    const double limit = static_cast<double>(s->plan.exclude_sigma) * std::sqrt(m.variance);
    const size_t first = s->plane(batch.first_row);
    for (size_t i = first; i < first + batch.lines * s->samples; ++i) {
        s->window.keep[i] = s->window.keep[i] != 0 && static_cast<double>(alpha[i]) <= limit ? 1 : 0;
    }
    return true;
}

// Instrument noise carried through the filter, plus what clutter adds beyond it.
void find_sigma(Session *s, const Batch &batch) {
    const float *alpha = s->window.enhancement;
    const float *brightness = s->window.brightness;
    const FilterScratch &scratch = s->scratch;
    const Moments of_alpha = moments(*s, batch, [alpha](size_t i) { return static_cast<double>(alpha[i]); });
    const Moments of_noise =
        moments(*s, batch, [&scratch, brightness](size_t i) { return noise_variance(scratch, brightness[i]); });
    const double excess = of_alpha.variance - of_noise.mean;
    const double clutter = excess > 0.0 ? excess : 0.0;
    const size_t first = s->plane(batch.first_row);
    for (size_t i = first; i < first + batch.lines * s->samples; ++i) {
        s->window.sigma[i] = static_cast<float>(std::sqrt(noise_variance(scratch, brightness[i]) + clutter));
    }
}

float clipped(float value, float limit) {
    value = value < limit ? value : limit;
    return value > -limit ? value : -limit; // a NaN becomes -limit
}

// The four channels that the filter feeds, one row.
void fill_filter_channels(Session *s, size_t row) {
    const Plan &plan = s->plan;
    const size_t plane = s->plane(row);
    for (size_t c = 0; c < s->samples; ++c) {
        const bool valid = (s->window.quality[plane + c] & ONB_QUALITY_INVALID) == 0;
        const float alpha = s->window.enhancement[plane + c];
        const float sigma = s->window.sigma[plane + c];
        s->channel_row(0, row)[c] = valid ? clipped(alpha / plan.alpha_scale, plan.alpha_clip) : 0.0f;
        s->channel_row(1, row)[c] = valid ? clipped(alpha / (sigma > 1e-6f ? sigma : 1e-6f), plan.z_clip) : 0.0f;
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
            const bool valid = (quality[c] & ONB_QUALITY_INVALID) == 0;
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

} // namespace

void judge_lines(Session *s) {
    const Batch batch = {s->judged, s->row_of(s->judged), static_cast<size_t>(s->arrived - s->judged)};
    if (batch.lines == 0) {
        return;
    }
    keep_valid(s, batch);
    pass(s, batch);
    if (leave_out_plumes(s, batch)) {
        pass(s, batch);
    }
    find_sigma(s, batch);
    for (size_t row = batch.first_row; row < batch.first_row + batch.lines; ++row) {
        fill_filter_channels(s, row);
        normalise_features(s, row);
        mark_immature(s, row);
    }
    const Statistics spare = s->before;
    s->before = s->after;
    s->after = spare;
    s->judged = s->arrived;
}

} // namespace onb
