#include "int8_body.hpp"

#include <cstring>

namespace onb {

namespace {

// A strip as one thread computes it.
struct Run {
    const Int8Body *body;
    const Int8Task *task;
    Int8Room *room;
    Int8Range lines[Int8Net::max_layers];
    Int8Range samples[Int8Net::max_layers];
};

size_t row_bytes(const Int8Step &step) { return static_cast<size_t>(step.pixels) * step.channels; }

// Where a row of a layer, or of the planes, holds a sample.
const uint8_t *source_at(const Run &run, uint32_t source, int32_t line, int32_t sample) {
    if (source == 0) {
        return run.task->planes + static_cast<size_t>(line) * run.task->pitch +
               static_cast<size_t>(sample) * run.body->plane_channels;
    }
    const Int8Step &step = run.body->steps[source - 1];
    const size_t row = static_cast<size_t>(line) % step.height;
    const auto pixel = static_cast<size_t>(1 + sample - run.samples[source - 1].low);
    return run.room->rings[source - 1] + row * row_bytes(step) + pixel * step.channels;
}

void make_depthwise(const Run &run, uint32_t index, int32_t line, uint8_t *out) {
    const Int8Step &step = run.body->steps[index];
    const Int8Range own = run.samples[index];
    const auto height = static_cast<int32_t>(run.body->body_lines / step.stride);
    const uint8_t *rows[3];
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t at = line + i - 1;
        rows[i] = at < 0 || at >= height ? run.room->zeros + step.channels : source_at(run, step.input, at, own.low);
    }
    run.body->kernels->depthwise(rows, static_cast<size_t>(own.high - own.low), step.packed, out);
}

void make_sum(const Run &run, uint32_t index, int32_t line, uint8_t *out) {
    const Int8Step &step = run.body->steps[index];
    const Int8Range own = run.samples[index];
    const uint8_t *fine = source_at(run, step.input, line, own.low);
    const uint8_t *half = source_at(run, step.half, line / 2, own.low / 2);
    run.body->kernels->add(fine, half, static_cast<size_t>(own.low % 2), step.channels,
                           static_cast<size_t>(own.high - own.low), step.input_factor, step.half_factor, out);
}

// One row of logits, spread over the planes of the output.
void make_logits(const Run &run, uint32_t index, int32_t line) {
    const Int8Body &body = *run.body;
    const Int8Step &step = body.steps[index];
    const Int8Range own = run.samples[index];
    const auto count = static_cast<size_t>(own.high - own.low);
    body.kernels->logits(source_at(run, step.input, line, own.low), count, step.packed, run.room->logits);
    const size_t plane = static_cast<size_t>(body.body_lines) * body.body_samples;
    for (uint32_t o = 0; o < step.outputs; ++o) {
        float *target = run.task->logits + (step.first_output + o) * plane +
                        static_cast<size_t>(line) * body.body_samples + static_cast<size_t>(own.low);
        const float *source = run.room->logits + o;
        for (size_t x = 0; x < count; ++x) {
            target[x] = source[x * step.channels];
        }
    }
}

void make_row(const Run &run, uint32_t index, int32_t line) {
    const Int8Step &step = run.body->steps[index];
    const Int8Range own = run.samples[index];
    const auto count = static_cast<size_t>(own.high - own.low);
    if (step.input > 0 && run.body->steps[step.input - 1].inlined) {
        make_row(run, step.input - 1, line); // a depthwise layer, which reads no other such
    }
    if (step.logits) {
        make_logits(run, index, line);
        return;
    }
    const size_t ring_row = static_cast<size_t>(line) % step.height;
    uint8_t *out = run.room->rings[index] + ring_row * row_bytes(step) + step.channels;
    if (step.kind == Int8Kind::depthwise) {
        make_depthwise(run, index, line, out);
    } else if (step.kind == Int8Kind::sum) {
        make_sum(run, index, line, out);
    } else {
        const bool halve = step.kind == Int8Kind::halve;
        const int32_t scale = halve ? 2 : 1;
        const uint8_t *rows[2] = {source_at(run, step.input, scale * line, scale * own.low), nullptr};
        rows[1] = halve ? source_at(run, step.input, 2 * line + 1, 2 * own.low) : rows[0];
        run.body->kernels->pointwise(rows, halve ? 2 : 1, count, step.packed, out);
    }
    // Beyond the image's edge there is nothing; kernels may have written there.
    memset(out + count * step.channels, 0, step.channels);
}

// What the threads share.
struct Work {
    const Int8Body *body;
    const Int8Task *task;
};

void run_rows(const Run &run) {
    const Int8Body &body = *run.body;
    int32_t made[Int8Net::max_layers];
    int32_t targets[Int8Net::max_layers];
    for (uint32_t i = 0; i < body.step_count; ++i) {
        made[i] = run.lines[i].low;
    }
    for (int32_t end = int8_first_end(run.task->lines); end <= run.task->lines.high; ++end) {
        int8_targets(body, end, run.lines, targets);
        for (uint32_t i = 0; i < body.step_count; ++i) {
            for (; made[i] < targets[i]; ++made[i]) {
                if (!body.steps[i].inlined) {
                    make_row(run, i, made[i]);
                }
            }
        }
    }
}

void run_share(void *context, uint32_t index) {
    const auto *work = static_cast<const Work *>(context);
    const Int8Body &body = *work->body;
    const Int8Range share = int8_share(body, work->task->samples, index);
    if (share.low >= share.high) {
        return;
    }
    Run run;
    run.body = &body;
    run.task = work->task;
    run.room = &body.rooms[index];
    int8_needs(body, work->task->lines, static_cast<int32_t>(body.body_lines), run.lines);
    int8_needs(body, share, static_cast<int32_t>(body.body_samples), run.samples);
    run_rows(run);
}

} // namespace

void load_int8(Int8Body *body, const Int8Net &net) {
    body->kernels = &int8_kernels();
    memset(const_cast<uint8_t *>(body->begin), 0, body->size);
    for (uint32_t p = 0; p < body->planes; ++p) {
        body->inverse_scales[p] = 1.0f / net.plane_scales[p];
        body->zeros[p] = net.plane_zeros[p];
    }
    for (uint32_t i = 0; i < body->step_count; ++i) {
        const Int8Layer &layer = net.layers[i];
        Int8Step *step = &body->steps[i];
        if (layer.kind == Int8Kind::sum) {
            step->input_factor = net.layers[layer.input - 1].scale / layer.scale;
            step->half_factor = net.layers[layer.half - 1].scale / layer.scale;
            continue;
        }
        for (uint32_t o = 0; o < layer.outputs; ++o) {
            step->packed.biases[o] = static_cast<int32_t>(net.bias(layer, o));
            step->packed.factors[o] = net.factor(layer, o);
        }
        if (layer.kind == Int8Kind::depthwise) {
            body->kernels->pack_depthwise({layer.weights, layer.outputs, 9, 1, 1}, step->packed);
        } else {
            const size_t kernel = layer.kind == Int8Kind::halve ? 4 : 1;
            body->kernels->pack_pointwise(
                {layer.weights, layer.outputs, kernel, layer.inputs, padded_channels(layer.inputs)}, step->packed);
        }
    }
    // Edges stay zero: nothing ever writes left of a row's first sample.
    for (uint32_t t = 0; t < body->threads; ++t) {
        const Int8Room &room = body->rooms[t];
        size_t widest = 0;
        for (uint32_t i = 0; i < body->step_count; ++i) {
            const size_t bytes = row_bytes(body->steps[i]);
            if (!body->steps[i].logits) {
                memset(room.rings[i], 0, bytes * body->steps[i].height);
                widest = bytes > widest ? bytes : widest;
            }
        }
        memset(room.zeros, 0, widest);
    }
    body->digest = sha256(body->begin, body->size);
    body->steps_digest = sha256(body->steps, body->step_count * sizeof(Int8Step));
    body->active = true;
}

bool int8_intact(const Int8Body &body) {
    if (!body.active) {
        return true;
    }
    return same_digest(sha256(body.steps, body.step_count * sizeof(Int8Step)), body.steps_digest.bytes) &&
           same_digest(sha256(body.begin, body.size), body.digest.bytes);
}

void int8_take_line(const Int8Body &body, const float *const *planes, size_t samples, uint8_t *out) {
    body.kernels->quantize(planes, body.inverse_scales, body.zeros, body.planes, body.plane_channels, samples, out);
}

void int8_clear_line(const Int8Body &body, size_t samples, uint8_t *out) {
    for (size_t x = 0; x < samples; ++x, out += body.plane_channels) {
        memcpy(out, body.zeros, body.planes);
        memset(out + body.planes, 0, body.plane_channels - body.planes);
    }
}

void run_int8(Int8Body *body, const Int8Task &task) {
    Work work = {body, &task};
    workers_run(&body->workers, run_share, &work);
}

} // namespace onb
