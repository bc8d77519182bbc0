// What lies around a plume holds gas too faint to be seen, which would pull the means, and with them the plume.
#include "filter_steps.hpp"

namespace onb {

namespace {

// Share of teaching pixels that must be left in the means.
constexpr double least_left = 0.25;

// Marks with `to` the pixels of a row or column that are within reach of one marked with `from`.
void spread(uint8_t *keep, size_t count, size_t pitch, size_t reach, uint8_t from, uint8_t to) {
    size_t left = 0;
    for (size_t i = 0; i < count; ++i) {
        left = (keep[i * pitch] & from) != 0 ? reach + 1 : left;
        if (left > 0) {
            keep[i * pitch] |= to;
            --left;
        }
    }
    left = 0;
    for (size_t i = count; i-- > 0;) {
        left = (keep[i * pitch] & from) != 0 ? reach + 1 : left;
        if (left > 0) {
            keep[i * pitch] |= to;
            --left;
        }
    }
}

bool enough_left(const uint8_t *keep, size_t count) {
    size_t all = 0;
    size_t left = 0;
    for (size_t i = 0; i < count; ++i) {
        all += (keep[i] & teaches) != 0 ? 1 : 0;
        left += (keep[i] & in_means) != 0 && (keep[i] & near_sure) == 0 ? 1 : 0;
    }
    return static_cast<double>(left) >= least_left * static_cast<double>(all);
}

} // namespace

void leave_out_surroundings(Session *s, const Batch &batch) {
    uint8_t *const keep = s->window.keep + s->plane(batch.first_row);
    const size_t samples = s->samples;
    const size_t count = batch.lines * samples;
    if (s->plan.exclude_near > 0) {
        for (size_t i = 0; i < batch.lines; ++i) {
            spread(keep + i * samples, samples, 1, s->plan.exclude_near, sure, beside_sure);
        }
        for (size_t c = 0; c < samples; ++c) {
            spread(keep + c, batch.lines, samples, s->plan.exclude_near, beside_sure, near_sure);
        }
    }
    const bool all = s->plan.exclude_near > 0 && enough_left(keep, count);
    for (size_t i = 0; i < count; ++i) {
        const bool out = all && (keep[i] & near_sure) != 0;
        keep[i] &= out ? teaches : static_cast<uint8_t>(teaches | in_means);
    }
}

} // namespace onb
