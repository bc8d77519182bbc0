// The line step: flags, repair, logarithm, stem. After it the raw line can be let go.
#include "session.hpp"

#include <cmath>
#include <cstring>

namespace onb {

namespace {

// Log radiance from exactly the lower clamp; what an invalid pixel shows to the stem.
constexpr float dark = log_floor;

uint8_t quality_of_value(float value) {
    if (!std::isfinite(value)) {
        return ONB_QUALITY_NON_FINITE;
    }
    if (value == -9990.0f) {
        return ONB_QUALITY_CLOUDY;
    }
    if (value == -9998.0f) {
        return ONB_QUALITY_MISSING_FRAME;
    }
    if (value == -9997.0f || value == -9996.0f) {
        return ONB_QUALITY_CORRUPT;
    }
    return value <= flag_ceiling ? ONB_QUALITY_NO_DATA : 0;
}

// Looks at a pixel with bad values: whether it can be repaired, and which kinds of bad ones there are. Bands that
// the whole line lacks do not count against it.
bool repairable(const float *radiance, const DeadBands &dead, size_t bands, uint8_t *kinds) {
    size_t bad = 0;
    size_t own = 0;
    *kinds = 0;
    for (size_t b = 0; b < bands; ++b) {
        const uint8_t kind = quality_of_value(value_at(radiance, b));
        *kinds = static_cast<uint8_t>(*kinds | kind);
        bad += kind != 0 ? 1u : 0u;
        own += kind != 0 && dead.here[b] == 0 ? 1u : 0u;
    }
    return own <= most_repaired && bad < bands;
}

// Replaces the logarithm at bad bands by a straight line between the nearest good ones.
void repair(const float *radiance, size_t bands, float *log) {
    size_t good = bands; // last good band seen
    size_t next = 0;     // the next one, once it was looked for
    for (size_t b = 0; b < bands; ++b) {
        if (!is_bad(value_at(radiance, b))) {
            good = b;
            continue;
        }
        while (next < bands && (next <= b || is_bad(value_at(radiance, next)))) {
            ++next;
        }
        if (good == bands) {
            log[b] = log[next];
        } else if (next == bands) {
            log[b] = log[good];
        } else {
            const float step = (log[next] - log[good]) / static_cast<float>(next - good);
            log[b] = log[good] + step * static_cast<float>(b - good);
        }
    }
}

// Quality of one pixel; leaves its log radiance in `log`.
uint8_t take_pixel(Session *s, const float *radiance, uint8_t line_quality, float *log) {
    const size_t bands = s->plan.bands;
    const uint32_t seen = s->kernels->log_pixel(radiance, s->constants.inverse_reference, bands, log);
    uint8_t quality = (seen & pixel_saturated) != 0 ? ONB_QUALITY_SATURATED : 0;
    if ((seen & pixel_bad) != 0) {
        uint8_t kinds = 0;
        const bool lost = (line_quality & ONB_QUALITY_INVALID) != 0;
        if (repairable(radiance, s->dead, bands, &kinds) && !lost) {
            repair(radiance, bands, log);
            quality = static_cast<uint8_t>(quality | ONB_QUALITY_REPAIRED);
            ++s->counters.repaired;
        } else {
            quality = kinds;
        }
    }
    quality = static_cast<uint8_t>(quality | (line_quality & ONB_QUALITY_INVALID));
    if ((quality & ONB_QUALITY_INVALID) != 0) {
        ++s->counters.invalid;
        for (size_t b = 0; b < bands; ++b) {
            log[b] = dark;
        }
    }
    return quality;
}

// Quantizes the filter's bands into the ring; returns the mean of what the ring now holds.
float keep_counts(const Session *s, const float *log, int16_t *counts) {
    const size_t bands = s->plan.mf_bands;
    const int32_t sum = s->kernels->take_counts(log, s->constants.filter_bands, bands, counts);
    return static_cast<float>(sum) / (log_scale * static_cast<float>(bands));
}

// Spreads the stem's pixel-interleaved features over the window's planes.
void spread_features(Session *s, size_t row, size_t first, size_t count) {
    const size_t features = s->plan.features();
    const float clip = s->plan.feature_clip;
    const uint8_t *quality = s->window.quality + s->plane(row) + first;
    for (uint32_t f = 0; f < features; ++f) {
        float *target = s->channel_row(4 + f, row) + first;
        const float *source = s->stem_output + f;
        const bool is_static = f < s->plan.static_features;
        for (size_t i = 0; i < count; ++i) {
            float value = source[i * features];
            if (is_static) {
                value = value < clip ? value : clip;
                value = value > -clip ? value : -clip;
            }
            target[i] = (quality[i] & ONB_QUALITY_INVALID) != 0 ? 0.0f : value;
        }
    }
}

// Which bands the line lacks as a whole; a line said to be bad tells nothing of it.
void look_for_bands(Session *s, const float *radiance, uint8_t line_quality) {
    if ((line_quality & ONB_QUALITY_INVALID) != 0) {
        return;
    }
    find_dead_bands(&s->dead, radiance, s->samples, s->plan.bands);
    note_dead_bands(&s->dead, s->constants.filter_bands, s->plan.mf_bands);
    s->counters.lacking += s->dead.count > 0 ? 1 : 0;
    s->counters.most_lacking = s->dead.count > s->counters.most_lacking ? s->dead.count : s->counters.most_lacking;
}

onb_status take_segment(Session *s, const float *radiance, uint8_t line_quality, size_t row, size_t first,
                        size_t count) {
    const size_t bands = s->plan.bands;
    for (size_t i = 0; i < count; ++i) {
        float *log = s->stem_input + i * bands;
        const size_t sample = first + i;
        s->window.quality[s->plane(row) + sample] = take_pixel(s, radiance + sample * bands, line_quality, log);
        s->window.brightness[s->plane(row) + sample] =
            keep_counts(s, log, s->counts_of(s->arrived) + sample * s->filter_pitch);
        if (s->plan.ground_classes > 0) {
            s->classes_of(s->arrived)[sample] = class_of(*s, log);
        }
    }
    if (count < s->plan.stem_pixels) {
        memset(s->stem_input + count * bands, 0, (s->plan.stem_pixels - count) * bands * sizeof(float));
    }
    const onb_status status = engine_run(&s->engine, &s->engine.stem, &s->detail);
    if (status == ONB_OK) {
        spread_features(s, row, first, count);
    }
    return status;
}

} // namespace

onb_status ingest_line(Session *s, const float *radiance, uint8_t line_quality) {
    const uint64_t start = now_ns();
    const size_t row = s->row_of(s->arrived);
    look_for_bands(s, radiance, line_quality);
    for (size_t first = 0; first < s->samples; first += s->plan.stem_pixels) {
        const size_t rest = s->samples - first;
        const size_t count = rest < s->plan.stem_pixels ? rest : s->plan.stem_pixels;
        const onb_status status = take_segment(s, radiance, line_quality, row, first, count);
        if (status != ONB_OK) {
            return status;
        }
    }
    keep_quality(s, s->window.quality + s->plane(row));
    ++s->arrived;
    const uint64_t spent = now_ns() - start;
    s->counters.line_ns_total += spent;
    s->counters.line_ns_max = spent > s->counters.line_ns_max ? spent : s->counters.line_ns_max;
    return ONB_OK;
}

} // namespace onb
