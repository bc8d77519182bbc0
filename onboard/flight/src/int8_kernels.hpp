// The inner loops of the quantized body, built once for each instruction set. All of them give the same
// numbers to the last bit: sums are whole, and each byte comes of one multiplication in float32, rounded to
// the nearest, ties to even.
//
// Rows are bytes, pixel by pixel, channels padded with zeros to a multiple of channel_pad. Kernels work on
// whole blocks of pixels: they read and write up to pixel_slack pixels beyond `count`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onb {

constexpr size_t channel_pad = 16;
constexpr size_t pixel_slack = 16;
// Outputs of one block of weights.
constexpr size_t block_outputs = 16;

// Always inlined: no copy is left that only the newest machine could run.
#define ONB_INLINE inline __attribute__((always_inline))

constexpr ONB_INLINE size_t padded_channels(size_t channels) {
    return (channels + channel_pad - 1) / channel_pad * channel_pad;
}

// Weights as the bundle has them, [outputs][kernel][inputs], read as if channels were padded.
struct RawWeights {
    const uint8_t *bytes;
    size_t outputs, kernel, inputs;
    size_t width; // inputs, padded; 1 for a depthwise layer

    ONB_INLINE int8_t at(size_t output, size_t k) const {
        const size_t place = k / width;
        const size_t input = k % width;
        const bool there = output < outputs && place < kernel && input < inputs;
        return there ? static_cast<int8_t>(bytes[(output * kernel + place) * inputs + input]) : int8_t{0};
    }
};

// A layer as kernels want it: weights in their own order, one bias and factor an output, both padded with
// zeros to whole blocks.
struct PackedLayer {
    int16_t *weights; // room for packed_size numbers, aligned to 64 bytes
    int32_t *biases;
    float *factors;
    size_t blocks; // of outputs
    size_t depth;  // bytes that one output sums over
};

struct Int8Kernels {
    const char *name;
    // Packs a layer's weights; biases and factors are in their places already.
    void (*pack_pointwise)(const RawWeights &weights, const PackedLayer &layer);
    void (*pack_depthwise)(const RawWeights &weights, const PackedLayer &layer);
    // out[x][o] = byte(sum of rows[p][x][k] weights[o][p][k]), p < parts. One pixel takes depth / parts bytes
    // of each row, and the next one those behind them.
    void (*pointwise)(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out);
    // The same of one row as numbers: out[x][o], 16 x blocks floats a pixel.
    void (*logits)(const uint8_t *row, size_t count, const PackedLayer &layer, float *out);
    // out[x][c] = byte(sum of rows[i][x + j - 1][c] weights[c][i][j]); rows point at the first pixel, and the one
    // before it can be read.
    void (*depthwise)(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out);
    // out[x][c] = byte(fine[x][c] fine_factor + half[(x + odd) / 2][c] half_factor); channels are padded.
    void (*add)(const uint8_t *fine, const uint8_t *half, size_t odd, size_t channels, size_t count,
                float fine_factor, float half_factor, uint8_t *out);
    // out[x][c] = clamp(round(planes[c][x] inverse_scales[c]) + zeros[c], 0, 255) of `count` planes, and 0 in
    // channels beyond, up to `channels`. Writes `samples` pixels, none beyond.
    void (*quantize)(const float *const *planes, const float *inverse_scales, const uint8_t *zeros, size_t count,
                     size_t channels, size_t samples, uint8_t *out);
};

// Numbers that packed weights take, outputs and channels padded: the same for all kernels, so that a bundle's
// memory does not depend on the machine.
constexpr ONB_INLINE size_t packed_pointwise(size_t outputs, size_t depth) { return outputs * depth; }
// Channels of a row repeat in its 64-byte pieces; each piece of a period has its own taps, biases and factors.
constexpr ONB_INLINE size_t channel_period(size_t channels, size_t piece) {
    size_t pieces = 1;
    while (pieces * piece % channels != 0) {
        ++pieces;
    }
    return pieces;
}
constexpr ONB_INLINE size_t packed_depthwise(size_t channels) { return channel_period(channels, 64) * 1024; }

extern const Int8Kernels int8_baseline;
#ifdef ONB_X86_LEVELS
extern const Int8Kernels int8_v3;
extern const Int8Kernels int8_vnni;
#endif
#ifdef ONB_ARM_LEVELS
extern const Int8Kernels int8_neon;
extern const Int8Kernels int8_dotprod;
#endif

// The best kernels that this machine can run.
const Int8Kernels &int8_kernels();

} // namespace onb
