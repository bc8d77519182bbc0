#include "denoise.hpp"

#include "session.hpp"

#include <cmath>
#include <cstring>

namespace onb {

namespace {

constexpr uint32_t nothing = UINT32_MAX;

// Radiance of a flagged pixel is its flag, as EMIT's L1B has it.
float flag_of(uint8_t quality) {
    if ((quality & ONB_QUALITY_MISSING_FRAME) != 0) {
        return -9998.0f;
    }
    if ((quality & ONB_QUALITY_CORRUPT) != 0) {
        return -9997.0f;
    }
    return (quality & ONB_QUALITY_CLOUDY) != 0 ? -9990.0f : -9999.0f;
}

// Line of the capture that a row of the strip's window shows; may lie before it, or after it.
int64_t line_of(const Session &s, size_t row) {
    return static_cast<int64_t>(s.products.first_line) + static_cast<int64_t>(row) -
           static_cast<int64_t>(s.plan.halo_lines);
}

// The ring's pixel at a place of the panel if it is there and valid, or nothing.
uint32_t valid_pixel(const Session &s, const Panel &panel, size_t row, size_t column) {
    const int64_t line = line_of(s, row);
    const size_t sample = panel.start + column;
    if (line < 0 || line >= static_cast<int64_t>(s.arrived) || sample >= s.samples) {
        return nothing;
    }
    const size_t pixel = static_cast<size_t>(static_cast<uint64_t>(line) % s.ring_lines()) * s.samples + sample;
    return (s.denoising->quality[pixel] & ONB_QUALITY_INVALID) == 0 ? static_cast<uint32_t>(pixel) : nothing;
}

// Finds what each place of a column shows: its own pixel, else the valid one before it, else the next one.
// True if the column has any.
bool find_sources(Session *s, const Panel &panel, size_t column) {
    const size_t rows = s->plan.body_lines;
    const size_t width = s->plan.denoiser_samples;
    float *valid = s->denoising->input + s->plan.mf_bands * rows * width + column;
    uint32_t *source = s->denoising->source + column;
    uint32_t last = nothing;
    size_t first = rows;
    for (size_t row = 0; row < rows; ++row) {
        const uint32_t pixel = valid_pixel(*s, panel, row, column);
        valid[row * width] = pixel == nothing ? 0.0f : 1.0f;
        last = pixel == nothing ? last : pixel;
        first = last != nothing && first == rows ? row : first;
        source[row * width] = last;
    }
    for (size_t row = 0; row < first && first < rows; ++row) {
        source[row * width] = source[first * width];
    }
    return first < rows;
}

// A column without a valid pixel shows the nearest one that has some; the left one of two.
void borrow_columns(Session *s) {
    const bool *found = s->denoising->found;
    const size_t rows = s->plan.body_lines;
    const size_t width = s->plan.denoiser_samples;
    uint32_t *source = s->denoising->source;
    for (size_t column = 0; column < width; ++column) {
        size_t far = found[column] ? width : 1;
        while (far < width && !(column >= far && found[column - far]) &&
               !(column + far < width && found[column + far])) {
            ++far;
        }
        if (far >= width) {
            continue;
        }
        const size_t lender = column >= far && found[column - far] ? column - far : column + far;
        for (size_t row = 0; row < rows; ++row) {
            source[row * width + column] = source[row * width + lender];
        }
    }
}

void fill_planes(Session *s) {
    const size_t places = static_cast<size_t>(s->plan.body_lines) * s->plan.denoiser_samples;
    const uint32_t *source = s->denoising->source;
    constexpr size_t run = 512; // places whose counts stay in the nearest cache
    for (size_t begin = 0; begin < places; begin += run) {
        const size_t end = begin + run < places ? begin + run : places;
        for (size_t k = 0; k < s->plan.mf_bands; ++k) {
            float *plane = s->denoising->input + k * places;
            for (size_t i = begin; i < end; ++i) {
                const int16_t count =
                    source[i] == nothing ? int16_t{0} : s->window.counts[source[i] * s->filter_pitch + k];
                plane[i] = static_cast<float>(count) * (1.0f / log_scale);
            }
        }
    }
}

} // namespace

void fill_denoiser_input(Session *s, const Panel &panel) {
    const size_t width = s->plan.denoiser_samples;
    for (size_t column = 0; column < width; ++column) {
        s->denoising->found[column] = find_sources(s, panel, column);
    }
    borrow_columns(s);
    fill_planes(s);
}

void take_denoised(Session *s, const Panel &panel) {
    const Denoising &d = *s->denoising;
    const size_t bands = s->plan.mf_bands;
    const size_t width = s->plan.denoiser_samples;
    const size_t plane = s->plan.body_lines * width;
    for (size_t line = 0; line < s->products.lines; ++line) {
        const float *row = d.output + (s->plan.halo_lines + line) * width;
        for (size_t sample = panel.first; sample < panel.end; ++sample) {
            float *target = d.radiance + (s->plane(line) + sample) * bands;
            const uint8_t quality = s->products.quality[s->plane(line) + sample];
            for (size_t k = 0; k < bands; ++k) {
                // Within what the ring holds, whatever the network says; what is no number is dark.
                const float said = row[k * plane + (sample - panel.start)];
                const float log = !(said > log_floor) ? log_floor : said < log_ceiling ? said : log_ceiling;
                target[k] = (quality & ONB_QUALITY_INVALID) != 0
                                ? flag_of(quality)
                                : std::exp(log) / s->constants.inverse_reference[s->constants.filter_bands[k]];
            }
        }
    }
}

void lay_out_denoising(Session *s, Arena *arena) {
    s->denoising = nullptr;
    if (s->config.denoise == 0) {
        return;
    }
    const Plan &plan = s->plan;
    const uint64_t places = static_cast<uint64_t>(plan.body_lines) * plan.denoiser_samples;
    Denoising measured{};
    Denoising *d = arena->take<Denoising>(1);
    s->denoising = d;
    d = d == nullptr ? &measured : d;
    d->input = arena->take<float>((static_cast<uint64_t>(plan.mf_bands) + 1) * places);
    d->output = arena->take<float>(plan.mf_bands * places);
    d->source = arena->take<uint32_t>(places);
    d->found = arena->take<bool>(plan.denoiser_samples);
    d->quality = arena->take<uint8_t>(s->ring_lines() * static_cast<uint64_t>(s->samples));
    d->radiance = arena->take<float>(static_cast<uint64_t>(plan.strip_lines) * s->samples * plan.mf_bands);
    const int64_t lines = plan.body_lines;
    const int64_t samples = plan.denoiser_samples;
    d->model = Model{};
    d->model.part = "denoiser.onnx";
    d->model.input = {"planes", d->input, 4, {1, static_cast<int64_t>(plan.mf_bands) + 1, lines, samples}};
    d->model.output = {"denoised", d->output, 4, {1, plan.mf_bands, lines, samples}};
    s->engine.denoiser = s->denoising == nullptr ? nullptr : &s->denoising->model;
}

void clear_denoising(Session *s) {
    if (s->denoising != nullptr) {
        memset(s->denoising->quality, ONB_QUALITY_NO_DATA, s->ring_lines() * s->samples);
        s->denoising->first_line = s->denoising->lines = 0;
    }
}

void keep_quality(Session *s, const uint8_t *quality) {
    if (s->denoising != nullptr) {
        memcpy(s->denoising->quality + (s->arrived % s->ring_lines()) * s->samples, quality, s->samples);
    }
}

onb_status denoise_strip(Session *s) {
    Denoising *d = s->denoising;
    if (d->lines == s->products.lines && d->first_line == s->products.first_line) {
        return ONB_OK;
    }
    d->lines = 0;
    const Panels panels = {s->samples, s->plan.denoiser_samples, 2 * static_cast<size_t>(s->plan.halo_lines)};
    for (size_t index = 0; index < panels.count(); ++index) {
        const Panel panel = panels.at(index);
        fill_denoiser_input(s, panel);
        const onb_status status = engine_run(&s->engine, &d->model, &s->detail);
        if (status != ONB_OK) {
            return status;
        }
        take_denoised(s, panel);
    }
    d->first_line = s->products.first_line;
    d->lines = s->products.lines;
    return ONB_OK;
}

} // namespace onb
