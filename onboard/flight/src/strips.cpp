// The strip step: judge the new lines, run the body over the window, queue products, find events.
#include "panels.hpp"
#include "session.hpp"

#include <cmath>
#include <cstring>

namespace onb {

namespace {

Panels body_panels(const Session &s) {
    return {s.samples, s.plan.body_samples, 2 * static_cast<size_t>(s.plan.halo_lines)};
}

// A wide swath's panel is copied out of the window; a narrow one's window is the input itself.
void fill_body_input(Session *s, const Panel &panel) {
    if (s->body_input == s->window.channels) {
        return;
    }
    const size_t width = s->plan.body_samples;
    const size_t rows = static_cast<size_t>(s->plan.channels()) * s->plan.body_lines;
    const size_t rest = s->samples - panel.start;
    const size_t count = rest < width ? rest : width;
    for (size_t row = 0; row < rows; ++row) {
        float *target = s->body_input + row * width;
        memcpy(target, s->window.channels + row * s->window.pitch + panel.start, count * sizeof(float));
        memset(target + count, 0, (width - count) * sizeof(float));
    }
}

// Probabilities of one output plane, its central lines and the panel's own samples.
void take_plane(const Session *s, const Panel &panel, size_t output, float *target) {
    const size_t width = s->plan.body_samples;
    const float *plane = s->body_output + output * s->plan.body_lines * width;
    for (size_t line = 0; line < s->products.lines; ++line) {
        const float *source = plane + (s->plan.halo_lines + line) * width + (panel.first - panel.start);
        s->kernels->sigmoid(source, panel.end - panel.first, target + line * s->samples + panel.first);
    }
}

// The quantized body reads the window where it lies, and makes the strip's lines alone.
void run_quantized(Session *s, const Panel &panel) {
    const auto first = static_cast<int32_t>(s->plan.halo_lines);
    const Int8Range lines = {first, first + static_cast<int32_t>(s->products.lines)};
    const Int8Range samples = {static_cast<int32_t>(panel.first - panel.start),
                               static_cast<int32_t>(panel.end - panel.start)};
    const uint8_t *planes = s->window.bytes + panel.start * s->int8.plane_channels;
    run_int8(&s->int8, {planes, s->byte_pitch(), lines, samples, s->body_output});
}

onb_status run_body(Session *s, const Panel &panel) {
    const uint64_t begun = now_ns();
    onb_status status = ONB_OK;
    if (s->quantized()) {
        run_quantized(s, panel);
    } else {
        fill_body_input(s, panel);
        status = engine_run(&s->engine, &s->engine.body, &s->detail);
    }
    s->counters.body_ns_total += now_ns() - begun;
    return status;
}

onb_status run_panels(Session *s) {
    const Panels panels = body_panels(*s);
    for (size_t index = 0; index < panels.count(); ++index) {
        const Panel panel = panels.at(index);
        const onb_status status = run_body(s, panel);
        if (status != ONB_OK) {
            return status;
        }
        take_plane(s, panel, 0, s->products.probability);
        for (size_t m = 0; m < s->plan.minerals; ++m) {
            take_plane(s, panel, 1 + m, s->products.minerals + m * s->plan.strip_lines * s->samples);
        }
    }
    return ONB_OK;
}

void fill(float *values, size_t count, float value) {
    for (size_t i = 0; i < count; ++i) {
        values[i] = value;
    }
}

// What the configuration did not ask for is NaN, so that nobody takes it for a result.
void drop_products(Session *s) {
    const size_t pixels = s->products.lines * static_cast<size_t>(s->samples);
    if ((s->config.products & ONB_PRODUCT_METHANE) == 0) {
        fill(s->products.probability, pixels, NAN);
        fill(s->products.enhancement, pixels, NAN);
        fill(s->products.sigma, pixels, NAN);
        memset(s->products.mask, 0, pixels);
    }
    if ((s->config.products & ONB_PRODUCT_MINERALS) == 0) {
        for (size_t m = 0; m < s->plan.minerals; ++m) {
            fill(s->products.minerals + m * s->plan.strip_lines * s->samples, pixels, NAN);
        }
    }
}

void blank_pixel(Session *s, size_t i) {
    s->products.probability[i] = 0.0f;
    s->products.enhancement[i] = NAN;
    s->products.sigma[i] = NAN;
    for (size_t m = 0; m < s->plan.minerals; ++m) {
        s->products.minerals[m * s->plan.strip_lines * s->samples + i] = 0.0f;
    }
}

void finish_products(Session *s) {
    ProductQueue &products = s->products;
    const size_t pixels = products.lines * static_cast<size_t>(s->samples);
    const size_t from = s->plane(s->plan.halo_lines);
    memcpy(products.enhancement, s->window.enhancement + from, pixels * sizeof(float));
    memcpy(products.sigma, s->window.sigma + from, pixels * sizeof(float));
    memcpy(products.quality, s->window.quality + from, pixels);
    for (size_t i = 0; i < pixels; ++i) {
        if ((products.quality[i] & ONB_QUALITY_INVALID) != 0) {
            blank_pixel(s, i);
            products.mask[i] = 0;
        } else {
            products.mask[i] = products.probability[i] >= s->plan.plume_threshold ? 1 : 0;
        }
    }
    drop_products(s);
}

bool is_lost(const uint8_t *quality, size_t samples) {
    for (size_t i = 0; i < samples; ++i) {
        if ((quality[i] & ONB_QUALITY_INVALID) == 0) {
            return false;
        }
    }
    return true;
}

void find_events(Session *s) {
    for (uint32_t line = 0; line < s->products.lines; ++line) {
        const size_t at = s->plane(line);
        s->events.add_line({s->products.first_line + line, s->samples, static_cast<uint32_t>(s->arrived - 1),
                            is_lost(s->products.quality + at, s->samples), s->products.mask + at, s->products.probability + at, s->products.enhancement + at});
    }
}

template <class T> void shift_rows(T *plane, size_t row_size, size_t rows, size_t by) {
    memmove(plane, plane + by * row_size, (rows - by) * row_size * sizeof(T));
}

// Moves the window on by a strip.
void advance(Session *s) {
    const size_t rows = s->plan.body_lines;
    const size_t by = s->plan.strip_lines;
    if (s->quantized()) {
        shift_rows(s->window.bytes, s->byte_pitch(), rows, by);
    }
    for (uint32_t c = 0; !s->quantized() && c < s->plan.channels(); ++c) {
        shift_rows(s->channel_row(c, 0), s->window.pitch, rows, by);
    }
    shift_rows(s->window.brightness, s->samples, rows, by);
    shift_rows(s->window.enhancement, s->samples, rows, by);
    shift_rows(s->window.sigma, s->samples, rows, by);
    shift_rows(s->window.quality, s->samples, rows, by);
    ++s->next_strip;
}

// Rows below the last line are outside the capture.
void clear_rows_after_end(Session *s) {
    const size_t row = s->row_of(s->arrived);
    for (size_t i = row; s->quantized() && i < s->plan.body_lines; ++i) {
        int8_clear_line(s->int8, s->window.pitch, s->byte_row(i));
    }
    for (uint32_t c = 0; row < s->plan.body_lines && c < s->plan.channels(); ++c) {
        memset(s->channel_row(c, row), 0, (s->plan.body_lines - row) * s->window.pitch * sizeof(float));
    }
}

} // namespace

bool queues_empty(const Session &s) {
    return s.products.delivered == s.products.lines && s.events.queue_empty();
}

bool strip_due(const Session &s) {
    const uint64_t start = s.next_strip * s.plan.strip_lines;
    if (s.phase == Phase::flushing) {
        return s.arrived > start;
    }
    return s.phase == Phase::taking && s.arrived >= start + s.plan.first_lines();
}

onb_status run_strip(Session *s) {
    const uint64_t begun = now_ns();
    const uint64_t start = s->next_strip * s->plan.strip_lines;
    const uint64_t rest = s->arrived - start;
    judge_lines(s);
    if (s->phase == Phase::flushing) {
        clear_rows_after_end(s);
    }
    s->products.first_line = static_cast<uint32_t>(start);
    s->products.lines = rest < s->plan.strip_lines ? static_cast<uint32_t>(rest) : s->plan.strip_lines;
    s->products.delivered = 0;
    const onb_status status = run_panels(s);
    if (status != ONB_OK) {
        s->products.lines = 0;
        return status;
    }
    finish_products(s);
    find_events(s);
    advance(s);
    ++s->counters.strips;
    const uint64_t spent = now_ns() - begun;
    s->counters.strip_ns_total += spent;
    s->counters.strip_ns_max = spent > s->counters.strip_ns_max ? spent : s->counters.strip_ns_max;
    return ONB_OK;
}

} // namespace onb
