// What the filter learns of each class of ground: scatter, and sums for the class's mean.
#include "filter_steps.hpp"

#include <cstring>

namespace onb {

namespace {

void scale(double *target, const double *source, size_t count, double factor) {
    for (size_t i = 0; i < count; ++i) {
        target[i] = factor * source[i];
    }
}

// Calls take(pixel, class) for each pixel of the batch that the covariance takes.
template <class Take> void for_chosen(const Session &s, const Batch &batch, Take take) {
    const size_t stride = s.plan.covariance_stride;
    for (size_t i = 0; i < batch.lines; ++i) {
        const uint8_t *keep = s.window.keep + s.plane(batch.first_row + i);
        const uint8_t *classes = s.classes_of(batch.first_line + i);
        for (size_t c = first_chosen(s, batch.first_line + i); c < s.samples; c += stride) {
            if ((keep[c] & teaches) != 0) {
                take(static_cast<uint32_t>(i * s.samples + c), classes[c]);
            }
        }
    }
}

// Lists the chosen pixels class by class, in the order of the capture.
void sort_pixels(Session *s, const Batch &batch) {
    uint32_t *const pixels = s->scratch.class_pixels;
    uint32_t *const starts = s->scratch.class_starts;
    const uint32_t classes = s->plan.ground_classes;
    uint32_t next[max_classes];
    memset(starts, 0, (classes + 1) * sizeof *starts);
    for_chosen(*s, batch, [&](uint32_t, uint8_t k) { ++starts[k + 1]; });
    for (uint32_t k = 0; k < classes; ++k) {
        starts[k + 1] += starts[k];
        next[k] = starts[k];
    }
    for_chosen(*s, batch, [&](uint32_t pixel, uint8_t k) { pixels[next[k]++] = pixel; });
}

// Deviations of some pixels, those that are in the means first; returns how many these are.
size_t fill_rows(Session *s, const Batch &batch, const uint32_t *pixels, size_t count) {
    const size_t pitch = s->filter_pitch;
    size_t front = 0;
    size_t back = count;
    for (size_t p = 0; p < count; ++p) {
        const size_t line = pixels[p] / s->samples;
        const size_t c = pixels[p] % s->samples;
        const bool kept = (s->window.keep[s->plane(batch.first_row + line) + c] & in_means) != 0;
        const size_t row = kept ? front++ : --back;
        s->kernels->deviation(s->counts_of(batch.first_line + line) + c * pitch, s->scratch.used + c * pitch, pitch,
                              s->scratch.rows + row * pitch);
    }
    return front;
}

void add_class(Session *s, const Batch &batch, uint32_t k) {
    const size_t pitch = s->filter_pitch;
    const Statistics &after = s->after;
    const float *const rows = s->scratch.rows;
    const uint32_t end = s->scratch.class_starts[k + 1];
    for (uint32_t at = s->scratch.class_starts[k]; at < end; at += FilterScratch::batch) {
        const size_t rest = end - at;
        const size_t count = rest < FilterScratch::batch ? rest : FilterScratch::batch;
        const size_t kept = fill_rows(s, batch, s->scratch.class_pixels + at, count);
        s->kernels->add_rows(after.class_kept_sum + k * pitch, rows, kept, pitch);
        s->kernels->add_rows(after.class_sum + k * pitch, rows, count, pitch);
        s->kernels->add_outer(after.class_scatter + k * pitch * pitch, rows, count, pitch);
        after.class_kept_count[k] += static_cast<double>(kept);
        after.class_count[k] += static_cast<double>(count);
        s->after.count += static_cast<double>(count);
    }
}

} // namespace

uint8_t class_of(const Session &s, const float *log) {
    const size_t bands = s.plan.class_bands;
    int32_t counts[max_class_bands];
    for (size_t b = 0; b < bands; ++b) {
        counts[b] = static_cast<int32_t>(std::lrintf(log[s.constants.class_bands[b]] * class_scale));
    }
    return static_cast<uint8_t>(s.kernels->nearest(counts, bands, s.constants.class_centres, s.class_pitch()));
}

void forget_classes(Session *s, double decay) {
    const size_t classes = s->plan.ground_classes;
    const size_t pitch = s->filter_pitch;
    scale(s->after.class_scatter, s->before.class_scatter, classes * pitch * pitch, decay);
    scale(s->after.class_sum, s->before.class_sum, classes * pitch, decay);
    scale(s->after.class_kept_sum, s->before.class_kept_sum, classes * pitch, decay);
    scale(s->after.class_count, s->before.class_count, classes, decay);
    scale(s->after.class_kept_count, s->before.class_kept_count, classes, decay);
}

void add_class_scatter(Session *s, const Batch &batch) {
    const size_t elements = s->filter_pitch * s->filter_pitch;
    sort_pixels(s, batch);
    memset(s->after.scatter, 0, elements * sizeof(double));
    for (uint32_t k = 0; k < s->plan.ground_classes; ++k) {
        add_class(s, batch, k);
        const double *scatter = s->after.class_scatter + k * elements;
        for (size_t i = 0; i < elements; ++i) {
            s->after.scatter[i] += scatter[i];
        }
    }
}

} // namespace onb
