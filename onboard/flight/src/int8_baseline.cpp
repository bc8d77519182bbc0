// Portable kernels: what every machine can run, and what the others are held to.
#include "int8_impl.hpp"

namespace onb {

namespace {

typedef int32_t Sums[block_outputs];

// Weights by block, then depth, then output: sixteen sums grow side by side.
void pack_pointwise(const RawWeights &weights, const PackedLayer &layer) {
    for (size_t b = 0; b < layer.blocks; ++b) {
        for (size_t k = 0; k < layer.depth; ++k) {
            for (size_t o = 0; o < block_outputs; ++o) {
                layer.weights[(b * layer.depth + k) * block_outputs + o] =
                    weights.at(b * block_outputs + o, k);
            }
        }
    }
}

// Weights by tap, then channel.
void pack_depthwise(const RawWeights &weights, const PackedLayer &layer) {
    const size_t channels = layer.blocks * block_outputs;
    for (size_t tap = 0; tap < 9; ++tap) {
        for (size_t c = 0; c < channels; ++c) {
            layer.weights[tap * channels + c] = weights.at(c, tap);
        }
    }
}

// Sums of one pixel and one block of outputs.
ONB_INLINE void sum_block(const uint8_t *const *rows, size_t parts, size_t x, const PackedLayer &layer, size_t block,
                          Sums sums) {
    const int16_t *weights = layer.weights + block * layer.depth * block_outputs;
    const size_t bytes = layer.depth / parts;
    __builtin_memcpy(sums, layer.biases + block * block_outputs, sizeof(Sums));
    for (size_t p = 0; p < parts; ++p) {
        const uint8_t *pixel = rows[p] + x * bytes;
        for (size_t k = 0; k < bytes; ++k, weights += block_outputs) {
            for (size_t o = 0; o < block_outputs; ++o) {
                sums[o] += static_cast<int32_t>(pixel[k]) * weights[o];
            }
        }
    }
}

void pointwise(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out) {
    for (size_t x = 0; x < count; ++x) {
        for (size_t b = 0; b < layer.blocks; ++b, out += block_outputs) {
            Sums sums;
            sum_block(rows, parts, x, layer, b, sums);
            for (size_t o = 0; o < block_outputs; ++o) {
                out[o] = to_byte(static_cast<float>(sums[o]) * layer.factors[b * block_outputs + o]);
            }
        }
    }
}

void logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    for (size_t x = 0; x < count; ++x) {
        for (size_t b = 0; b < layer.blocks; ++b, out += block_outputs) {
            Sums sums;
            sum_block(&row, 1, x, layer, b, sums);
            for (size_t o = 0; o < block_outputs; ++o) {
                out[o] = static_cast<float>(sums[o]) * layer.factors[b * block_outputs + o];
            }
        }
    }
}

void depthwise(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    const size_t channels = layer.blocks * block_outputs;
    for (size_t x = 0; x < count; ++x, out += channels) {
        for (size_t c = 0; c < channels; c += block_outputs) {
            Sums sums;
            __builtin_memcpy(sums, layer.biases + c, sizeof sums);
            for (size_t tap = 0; tap < 9; ++tap) {
                const uint8_t *pixel = rows[tap / 3] + (x + tap % 3) * channels - channels + c;
                const int16_t *weights = layer.weights + tap * channels + c;
                for (size_t o = 0; o < block_outputs; ++o) {
                    sums[o] += static_cast<int32_t>(pixel[o]) * weights[o];
                }
            }
            for (size_t o = 0; o < block_outputs; ++o) {
                out[c + o] = to_byte(static_cast<float>(sums[o]) * layer.factors[c + o]);
            }
        }
    }
}

void add(const uint8_t *fine, const uint8_t *half, size_t odd, size_t channels, size_t count, float fine_factor,
         float half_factor, uint8_t *out) {
    for (size_t x = 0; x < count; ++x, fine += channels, out += channels) {
        const uint8_t *pixel = half + (x + odd) / 2 * channels;
        for (size_t c = 0; c < channels; ++c) {
            const float one = static_cast<float>(fine[c]) * fine_factor;
            const float other = static_cast<float>(pixel[c]) * half_factor;
            out[c] = to_byte(one + other);
        }
    }
}

} // namespace

const Int8Kernels int8_baseline = {"baseline", pack_pointwise, pack_depthwise, pointwise,
                                   logits,     depthwise,      add,            quantize};

} // namespace onb
