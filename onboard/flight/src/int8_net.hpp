// The quantized body as the bundle's part body.i8 describes it; docs/bundle.md gives it byte by byte.
#pragma once

#include "container.hpp"

namespace onb {

struct Plan;

enum class Int8Kind : uint8_t {
    pointwise = 1, // 1 x 1
    depthwise = 2, // 3 x 3 of each channel, zeros around the image
    halve = 3,     // 2 x 2 at stride 2
    sum = 4,       // of a layer and another at half its resolution, each of whose pixels serves four
};

// One layer; its output is a tensor of bytes 0 to 255 with zero point 0 (so that a ReLU costs nothing), or
// logits in float32.
struct Int8Layer {
    Int8Kind kind;
    bool logits;
    uint32_t input;      // 0: the planes, else one more than the index of a layer before it
    uint32_t half;       // of a sum: the layer at half resolution, counted the same way
    uint32_t inputs, outputs;
    uint32_t stride;     // lines and samples of the strip to one of its own
    float scale;         // of one step of the output
    float weight_unit, bias_unit;
    const uint8_t *weight_scales; // u16 [outputs], in weight_unit
    const uint8_t *biases;        // i16 [outputs], in bias_unit
    const uint8_t *weights;       // i8 [outputs][taps]
    uint32_t taps;                // weights of one output

    // Of one output: the step of its sum.
    double sum_step(uint32_t output, double input_scale) const;
};

struct Int8Net {
    static constexpr uint32_t max_layers = 64;
    static constexpr uint32_t max_planes = 260;
    static constexpr uint32_t max_channels = 256;
    static constexpr uint32_t max_stride = 32;

    uint32_t planes, layer_count, outputs;
    uint32_t coarsest; // the largest stride of any layer
    float plane_scales[max_planes];
    uint8_t plane_zeros[max_planes];
    Int8Layer layers[max_layers];

    // Scale of a layer's input; planes have theirs in the weights.
    double input_scale(const Int8Layer &layer) const {
        return layer.input == 0 ? 1.0 : static_cast<double>(layers[layer.input - 1].scale);
    }
    // Bias of one output in steps of its sum, what the planes' zero points add taken off.
    int64_t bias(const Int8Layer &layer, uint32_t output) const;
    // What turns a sum into a byte, or into a logit.
    float factor(const Int8Layer &layer, uint32_t output) const;
};

inline uint32_t read_u16(const uint8_t *bytes) {
    return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8;
}

// Reads the part, and checks every number before it is used. The net points into the part.
onb_status read_int8(Bytes part, const Plan &plan, Int8Net *net, onb_detail *detail);

} // namespace onb
