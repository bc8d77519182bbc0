#include "dead_bands.hpp"

namespace onb {

namespace {

constexpr size_t most_probes = 32;
constexpr size_t least_probes = 8; // fewer pixels do not tell a dead band from bad pixels
// A pixel that lacks more than most_repaired and more than one band in so many says nothing of single bands.
constexpr size_t one_in = 4;
// A band is left out until it was there in all but one in so many of the lines that are remembered.
constexpr double tolerated = 1.0 / 32.0;

uint32_t count_bad(const float *pixel, size_t bands) {
    uint32_t bad = 0;
    for (size_t b = 0; b < bands; ++b) {
        bad += is_bad(value_at(pixel, b)) ? 1u : 0u;
    }
    return bad;
}

void add_bad(const float *pixel, size_t bands, uint8_t *counts) {
    for (size_t b = 0; b < bands; ++b) {
        counts[b] = static_cast<uint8_t>(counts[b] + (is_bad(value_at(pixel, b)) ? 1 : 0));
    }
}

} // namespace

void lay_out_dead_bands(DeadBands *dead, const Plan &plan, Arena *arena) {
    dead->here = arena->take<uint8_t>(plan.bands);
    dead->pending = arena->take<uint32_t>(plan.mf_bands);
    dead->scratch = arena->take<uint8_t>(plan.bands);
}

void clear_dead_bands(DeadBands *dead, const Plan &plan) {
    memset(dead->here, 0, plan.bands);
    dead->count = 0;
    judged_dead_bands(dead, plan);
}

void judged_dead_bands(DeadBands *dead, const Plan &plan) {
    memset(dead->pending, 0, plan.mf_bands * sizeof *dead->pending);
    dead->told = 0;
}

void find_dead_bands(DeadBands *dead, const float *radiance, size_t samples, size_t bands) {
    const size_t probes = samples < most_probes ? samples : most_probes;
    size_t usable = 0;
    bool any = false;
    memset(dead->scratch, 0, bands);
    for (size_t i = 0; i < probes; ++i) {
        const float *pixel = radiance + (i * samples / probes) * bands;
        const size_t bad = count_bad(pixel, bands);
        if (bad == bands || (bad > most_repaired && bad * one_in > bands)) {
            continue;
        }
        ++usable;
        if (bad > 0) {
            add_bad(pixel, bands, dead->scratch);
            any = true;
        }
    }
    if (usable < least_probes) {
        return;
    }
    dead->count = 0;
    for (size_t b = 0; any && b < bands; ++b) {
        dead->scratch[b] = 2 * static_cast<size_t>(dead->scratch[b]) > usable ? 1 : 0;
        dead->count += dead->scratch[b];
    }
    memcpy(dead->here, dead->scratch, bands);
}

void note_dead_bands(DeadBands *dead, const uint32_t *filter_bands, size_t count) {
    ++dead->told;
    for (size_t k = 0; dead->count > 0 && k < count; ++k) {
        dead->pending[k] += dead->here[filter_bands[k]];
    }
}

void update_lacking(Lacking *after, const Lacking &before, const DeadBands &dead, const Plan &plan) {
    const double memory = plan.memory_lines;
    const double decay = before.all > memory ? memory / before.all : 1.0;
    after->all = decay * before.all + static_cast<double>(dead.told);
    for (size_t k = 0; k < plan.mf_bands; ++k) {
        after->lines[k] = decay * before.lines[k] + static_cast<double>(dead.pending[k]);
    }
}

double lacking_variance(const Lacking &lacking, const DeadBands &dead, size_t k) {
    return dead.pending[k] > 0 || lacking.lines[k] > tolerated * lacking.all ? left_out_variance : 0.0;
}

} // namespace onb
