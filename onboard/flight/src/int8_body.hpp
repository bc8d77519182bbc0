// The quantized body at work: rows run from the planes to the logits, and of each layer only those few are
// kept that another layer still reads.
#pragma once

#include "arena.hpp"
#include "int8_kernels.hpp"
#include "int8_net.hpp"
#include "sign.hpp"
#include "workers.hpp"

namespace onb {

// Lines or samples [low, high) of a layer.
struct Int8Range {
    int32_t low, high;
};

// A layer as it runs.
struct Int8Step {
    Int8Kind kind;
    bool logits;
    bool inlined;          // a depthwise row is made when the one layer that reads it wants it
    uint32_t input, half;  // as in Int8Layer
    uint32_t stride, channels; // of its output; channels are padded
    uint32_t outputs, first_output; // of logits
    float input_factor, half_factor; // of a sum
    PackedLayer packed;
    uint32_t height;       // rows of its ring
    uint32_t pixels;       // of a row of its ring, edges and slack included
};

// What one thread works in.
struct Int8Room {
    uint8_t *rings[Int8Net::max_layers];
    uint8_t *zeros;  // a row outside the image
    float *logits;   // one row of them
};

// Window, panel and lines that are wanted.
struct Int8Task {
    const uint8_t *planes; // first line of the window, first sample of the panel
    size_t pitch;          // bytes of a line of the window
    Int8Range lines, samples; // of the logits; samples count within the panel
    float *logits;         // [outputs][body_lines][body_samples]
};

struct Int8Body {
    const Int8Net *net; // while the session is being built: it points into the bundle
    bool active;
    uint32_t step_count, planes, plane_channels, outputs;
    uint32_t body_lines, body_samples, coarsest, threads;
    float *inverse_scales; // of the planes
    uint8_t *zeros;        // of the planes
    Int8Step steps[Int8Net::max_layers];
    Int8Room *rooms;       // one a thread
    const uint8_t *begin;  // of weights, biases, factors and scales
    size_t size;
    Digest digest;
    Digest steps_digest;
    const Int8Kernels *kernels;
    Workers workers;
};

// Lines of one strip's logits, of which the central ones are wanted, and threads to share its samples.
struct Int8Shape {
    uint32_t body_lines, body_samples, first_line, lines, threads;
};

// Sizes everything for `net`, and takes it out of the arena.
void lay_out_int8(Int8Body *body, const Int8Net &net, const Int8Shape &shape, Arena *arena);
// Packs the weights; `scratch` is not needed, the net's bytes are read in place.
void load_int8(Int8Body *body, const Int8Net &net);
bool int8_intact(const Int8Body &body);

// Lines or samples of every layer that some of the logits' need; `size` is that of the image at stride 1.
void int8_needs(const Int8Body &body, Int8Range wanted, int32_t size, Int8Range needs[Int8Net::max_layers]);
// Where a strip begins: no layer is wanted yet before the logits' rows below this. Beginning there, layers
// advance together, and none runs ahead of the others.
inline int32_t int8_first_end(Int8Range lines) { return lines.low - 4 * static_cast<int32_t>(Int8Net::max_stride); }
// Rows below which each layer must have been made for the logits' rows below `end`.
void int8_targets(const Int8Body &body, int32_t end, const Int8Range lines[Int8Net::max_layers],
                  int32_t targets[Int8Net::max_layers]);
// The samples of a thread's share, borders on the coarsest layer's grid.
Int8Range int8_share(const Int8Body &body, Int8Range samples, uint32_t index);

// One line of float planes as bytes of the window.
void int8_take_line(const Int8Body &body, const float *const *planes, size_t samples, uint8_t *out);
// A line outside the capture: every plane is 0.
void int8_clear_line(const Int8Body &body, size_t samples, uint8_t *out);
// Logits of a task, on all threads.
void run_int8(Int8Body *body, const Int8Task &task);

} // namespace onb
