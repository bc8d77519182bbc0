// Bands that a line lacks as a whole: a detector's that no longer work, or that were never sent. Each pixel
// shows them as a straight line between its neighbours (ingest.cpp). That serves the stem; for the matched
// filter such a band is an exact sum of others, a direction in which nothing ever moves and gas should, which
// it takes for proof that there is no gas. So it leaves them out.
#pragma once

#include "arena.hpp"
#include "kernels.hpp"
#include "plan.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace onb {

struct DeadBands {
    uint8_t *here;     // [bands] 1: the line at hand lacks it
    uint32_t count;    // of them
    uint32_t *pending; // [mf_bands] lines not judged yet that lack it
    uint32_t told;     // lines not judged yet that tell of bands at all
    uint8_t *scratch;  // [bands]
};

// What the filter remembers of it: the state before an event, or after it.
struct Lacking {
    double *lines; // [mf_bands] that lack the band, forgetting included
    double all;    // lines, forgetting included
};

// Variance of log radiance that keeps a band out of the filter: all light there is varies by less.
constexpr double left_out_variance = 100.0;

void lay_out_dead_bands(DeadBands *dead, const Plan &plan, Arena *arena);
void clear_dead_bands(DeadBands *dead, const Plan &plan);

// Looks at pixels spread over a line [samples][bands] for bands that are bad in most of them. Where too few pixels
// are any good, what the line before showed still holds.
void find_dead_bands(DeadBands *dead, const float *radiance, size_t samples, size_t bands);
// Notes the line's dead bands among the filter's.
void note_dead_bands(DeadBands *dead, const uint32_t *filter_bands, size_t count);

// Forgets what was noted: the lines are judged.
void judged_dead_bands(DeadBands *dead, const Plan &plan);

// Memory of bands after an event, out of that before it and the lines that it judges.
void update_lacking(Lacking *after, const Lacking &before, const DeadBands &dead, const Plan &plan);
// What a filter of these lines adds to the variance of band k.
double lacking_variance(const Lacking &lacking, const DeadBands &dead, size_t k);

constexpr size_t most_repaired = 8; // bad values of a pixel, those of the line's dead bands not counted

// Whether a value is a flag or no finite number.
inline bool is_bad(float value) {
    constexpr float largest = 3.402823466e38f;
    return !(value > flag_ceiling && value <= largest);
}

// A value of a pixel, which need not be aligned.
inline float value_at(const float *radiance, size_t band) {
    float value = 0.0f;
    memcpy(&value, radiance + band, sizeof value);
    return value;
}

} // namespace onb
