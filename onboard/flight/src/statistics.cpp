// Running statistics of the filter: column means that forget, one scatter matrix for all columns.
#include "filter_steps.hpp"

#include <cstring>

namespace onb {

namespace {

constexpr double tiny = 1e-12;

void sum_columns(Session *s, const Batch &batch) {
    FilterScratch &scratch = s->scratch;
    const size_t pitch = s->filter_pitch;
    memset(scratch.sums, 0, s->samples * pitch * sizeof(int32_t));
    memset(scratch.counts, 0, s->samples * sizeof(uint32_t));
    for (size_t i = 0; i < batch.lines; ++i) {
        const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
        const int16_t *counts = s->counts_of(batch.first_line + i);
        for (size_t c = 0; c < s->samples; ++c) {
            if ((keep[c] & in_means) != 0) {
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
                sums[c * features + f] += (keep[c] & in_means) != 0 ? static_cast<double>(row[c]) : 0.0;
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
    forget_classes(s, decay);
}

void add_feature_scatter(Session *s, const Batch &batch) {
    for (uint32_t f = 0; f < s->plan.dynamic_features; ++f) {
        const float *used = s->scratch.used_features + f * s->samples;
        double sum = 0.0;
        for (size_t i = 0; i < batch.lines; ++i) {
            const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
            const float *row = s->channel_row(4 + s->plan.static_features + f, batch.first_row + i);
            const size_t stride = s->plan.covariance_stride;
            for (size_t c = first_chosen(*s, batch.first_line + i); c < s->samples; c += stride) {
                const double d = static_cast<double>(row[c]) - static_cast<double>(used[c]);
                sum += (keep[c] & teaches) != 0 ? d * d : 0.0;
            }
        }
        s->after.feature_scatter[f] += sum;
    }
}

void add_scatter(Session *s, const Batch &batch) {
    if (s->plan.ground_classes > 0) {
        add_class_scatter(s, batch);
        return;
    }
    const size_t pitch = s->filter_pitch;
    float *const rows = s->scratch.rows;
    const size_t stride = s->plan.covariance_stride;
    size_t filled = 0;
    for (size_t i = 0; i < batch.lines; ++i) {
        const uint8_t *keep = s->window.keep + s->plane(batch.first_row + i);
        const int16_t *counts = s->counts_of(batch.first_line + i);
        for (size_t c = first_chosen(*s, batch.first_line + i); c < s->samples; c += stride) {
            if ((keep[c] & teaches) == 0) {
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

} // namespace

void update_statistics(Session *s, const Batch &batch) {
    sum_columns(s, batch);
    sum_features(s, batch);
    update_means(s);
    choose_means(s);
    forget_scatter(s);
    update_lacking(&s->after.lacking, s->before.lacking, s->dead, s->plan);
    add_scatter(s, batch);
    add_feature_scatter(s, batch);
}

} // namespace onb
