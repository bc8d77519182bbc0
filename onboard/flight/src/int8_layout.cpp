// How much of each layer has to be there, and where it lies.
#include "int8_body.hpp"

namespace onb {

namespace {

constexpr int32_t far = 1 << 20; // no line or sample is beyond it

int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }
int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

// What a layer reads of its input for a range of its own.
Int8Range read_of(const Int8Step &step, Int8Range own) {
    switch (step.kind) {
    case Int8Kind::depthwise:
        return {own.low - 1, own.high + 1};
    case Int8Kind::halve:
        return {2 * own.low, 2 * own.high};
    default:
        return own;
    }
}

// What a sum reads of the layer at half its resolution.
Int8Range read_of_half(Int8Range own) { return {own.low / 2, (own.high + 1) / 2}; }

void widen(Int8Range *range, Int8Range by) {
    range->low = smaller(range->low, by.low);
    range->high = larger(range->high, by.high);
}

Int8Range clipped(Int8Range range, int32_t size) { return {larger(range.low, 0), smaller(range.high, size)}; }

// The first row that the readers of a layer still want, when they have made their rows below `made`.
int32_t oldest_wanted(const Int8Body &body, uint32_t source, const int32_t *made) {
    int32_t oldest = far;
    for (uint32_t i = source; i < body.step_count; ++i) {
        const Int8Step &step = body.steps[i];
        const Int8Range next = {made[i], made[i] + 1};
        if (step.input == source + 1) {
            oldest = smaller(oldest, read_of(step, next).low);
        }
        if (step.kind == Int8Kind::sum && step.half == source + 1) {
            oldest = smaller(oldest, read_of_half(next).low);
        }
    }
    return oldest;
}

// Walks through a strip without computing it, and finds how many rows each ring must hold.
void find_heights(Int8Body *body, Int8Range wanted) {
    Int8Range lines[Int8Net::max_layers];
    int32_t made[Int8Net::max_layers];
    int32_t targets[Int8Net::max_layers];
    int8_needs(*body, wanted, static_cast<int32_t>(body->body_lines), lines);
    for (uint32_t i = 0; i < body->step_count; ++i) {
        made[i] = lines[i].low;
        body->steps[i].height = 1;
    }
    for (int32_t end = int8_first_end(wanted); end <= wanted.high; ++end) {
        int8_targets(*body, end, lines, targets);
        for (uint32_t i = 0; i < body->step_count; ++i) {
            Int8Step *step = &body->steps[i];
            if (!step->logits && !step->inlined && targets[i] > made[i]) {
                const int32_t rows = targets[i] - larger(oldest_wanted(*body, i, made), lines[i].low);
                step->height = static_cast<uint32_t>(larger(static_cast<int32_t>(step->height), rows));
            }
            made[i] = larger(made[i], targets[i]);
        }
    }
}

// Pixels that a row of each layer takes, for a thread's share anywhere in the swath.
void find_widths(Int8Body *body) {
    const uint32_t grid = body->coarsest;
    const uint32_t units = body->body_samples / grid;
    const auto share = static_cast<int32_t>((units + body->threads - 1) / body->threads * grid);
    const int32_t middle = far / 2; // far from both edges, and on every layer's grid
    Int8Range samples[Int8Net::max_layers];
    int8_needs(*body, {middle, middle + share}, far, samples);
    for (uint32_t i = 0; i < body->step_count; ++i) {
        const auto whole = static_cast<int32_t>(body->body_samples / body->steps[i].stride);
        const int32_t width = smaller(samples[i].high - samples[i].low, whole);
        body->steps[i].pixels = static_cast<uint32_t>(width) + 2 + static_cast<uint32_t>(pixel_slack);
    }
}

// Layers as they run, out of the part's.
void take_steps(Int8Body *body, const Int8Net &net) {
    uint32_t first_output = 0;
    uint32_t readers[Int8Net::max_layers + 1] = {};
    for (uint32_t i = 0; i < net.layer_count; ++i) {
        const Int8Layer &layer = net.layers[i];
        Int8Step *step = &body->steps[i];
        *step = Int8Step{};
        step->kind = layer.kind;
        step->logits = layer.logits;
        step->input = layer.input;
        step->half = layer.half;
        step->stride = layer.stride;
        step->channels = static_cast<uint32_t>(padded_channels(layer.outputs));
        step->outputs = layer.outputs;
        step->first_output = first_output;
        first_output += layer.logits ? layer.outputs : 0;
        ++readers[layer.input];
        readers[layer.half] += layer.kind == Int8Kind::sum ? 1 : 0;
    }
    for (uint32_t i = 0; i < net.layer_count; ++i) {
        const Int8Step &step = body->steps[i];
        if (step.kind == Int8Kind::pointwise && step.input > 0 && readers[step.input] == 1 &&
            body->steps[step.input - 1].kind == Int8Kind::depthwise) {
            body->steps[step.input - 1].inlined = true;
        }
    }
}

void lay_out_weights(Int8Body *body, const Int8Net &net, Arena *arena) {
    const uint64_t start = arena->used();
    body->inverse_scales = arena->take<float>(body->planes);
    body->zeros = arena->take<uint8_t>(body->planes);
    for (uint32_t i = 0; i < body->step_count; ++i) {
        const Int8Layer &layer = net.layers[i];
        PackedLayer *packed = &body->steps[i].packed;
        const size_t outputs = body->steps[i].channels;
        const size_t inputs = padded_channels(layer.inputs);
        packed->blocks = outputs / block_outputs;
        packed->depth = layer.kind == Int8Kind::halve ? 4 * inputs : inputs;
        if (layer.kind == Int8Kind::sum) {
            continue;
        }
        packed->weights = arena->take<int16_t>(layer.kind == Int8Kind::depthwise
                                                   ? packed_depthwise(outputs)
                                                   : packed_pointwise(outputs, packed->depth));
        packed->biases = arena->take<int32_t>(outputs);
        packed->factors = arena->take<float>(outputs);
    }
    body->begin = reinterpret_cast<const uint8_t *>(body->inverse_scales);
    body->size = static_cast<size_t>(arena->used() - start);
}

void lay_out_room(const Int8Body &body, Int8Room *room, Arena *arena) {
    uint64_t widest = 0;
    uint64_t logits = 0;
    Int8Room taken{};
    for (uint32_t i = 0; i < body.step_count; ++i) {
        const Int8Step &step = body.steps[i];
        const uint64_t row = static_cast<uint64_t>(step.pixels) * step.channels;
        if (step.logits) {
            logits = row > logits ? row : logits;
        } else {
            taken.rings[i] = arena->take<uint8_t>(step.height * row);
            widest = row > widest ? row : widest;
        }
    }
    taken.zeros = arena->take<uint8_t>(widest);
    taken.logits = arena->take<float>(logits);
    if (room != nullptr) {
        *room = taken;
    }
}

} // namespace

void int8_needs(const Int8Body &body, Int8Range wanted, int32_t size, Int8Range needs[Int8Net::max_layers]) {
    for (uint32_t i = 0; i < body.step_count; ++i) {
        needs[i] = body.steps[i].logits ? wanted : Int8Range{far, -far};
    }
    for (uint32_t i = body.step_count; i-- > 0;) {
        const Int8Step &step = body.steps[i];
        needs[i] = clipped(needs[i], size / static_cast<int32_t>(step.stride));
        if (step.input > 0) {
            widen(&needs[step.input - 1], read_of(step, needs[i]));
        }
        if (step.kind == Int8Kind::sum) {
            widen(&needs[step.half - 1], read_of_half(needs[i]));
        }
    }
}

void int8_targets(const Int8Body &body, int32_t end, const Int8Range lines[Int8Net::max_layers],
                  int32_t targets[Int8Net::max_layers]) {
    // As if the image had no edges, and its lines numbers far above 0; that is taken off at last.
    for (uint32_t i = 0; i < body.step_count; ++i) {
        targets[i] = body.steps[i].logits ? far + end : 0;
    }
    for (uint32_t i = body.step_count; i-- > 0;) {
        const Int8Step &step = body.steps[i];
        const Int8Range last = {targets[i] - 1, targets[i]};
        if (step.input > 0) {
            targets[step.input - 1] = larger(targets[step.input - 1], read_of(step, last).high);
        }
        if (step.kind == Int8Kind::sum) {
            targets[step.half - 1] = larger(targets[step.half - 1], read_of_half(last).high);
        }
        const int32_t real = targets[i] - far / static_cast<int32_t>(step.stride);
        targets[i] = larger(smaller(real, lines[i].high), lines[i].low);
    }
}

Int8Range int8_share(const Int8Body &body, Int8Range samples, uint32_t index) {
    const auto grid = static_cast<int32_t>(body.coarsest);
    const auto threads = static_cast<int32_t>(body.threads);
    const int32_t first = samples.low / grid;
    const int32_t units = (samples.high + grid - 1) / grid - first;
    const int32_t share = (units + threads - 1) / threads;
    const int32_t low = smaller(static_cast<int32_t>(index) * share, units);
    const int32_t high = smaller(low + share, units);
    return {(first + low) * grid, (first + high) * grid};
}

void lay_out_int8(Int8Body *body, const Int8Net &net, const Int8Shape &shape, Arena *arena) {
    body->step_count = net.layer_count;
    body->planes = net.planes;
    body->plane_channels = static_cast<uint32_t>(padded_channels(net.planes));
    body->outputs = net.outputs;
    body->coarsest = net.coarsest;
    body->body_lines = shape.body_lines;
    body->body_samples = shape.body_samples;
    body->threads = shape.threads;
    take_steps(body, net);
    const auto first = static_cast<int32_t>(shape.first_line);
    find_heights(body, {first, first + static_cast<int32_t>(shape.lines)});
    find_widths(body);
    lay_out_weights(body, net, arena);
    body->rooms = arena->take<Int8Room>(shape.threads);
    for (uint32_t i = 0; i < shape.threads; ++i) {
        lay_out_room(*body, body->rooms == nullptr ? nullptr : &body->rooms[i], arena);
    }
}

} // namespace onb
