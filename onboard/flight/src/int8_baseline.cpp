// Portable kernels: what every machine can run, and what the others are held to.
#include "int8_impl.hpp"

namespace onb {

namespace {

typedef int16_t Shorts __attribute__((vector_size(16)));
typedef int32_t Ints __attribute__((vector_size(16)));
typedef float Floats __attribute__((vector_size(16)));
typedef uint8_t FourBytes __attribute__((vector_size(4)));

// Sums of one block of outputs.
struct Sums {
    Ints parts[4];
};

ONB_INLINE Sums load_sums(const int32_t *biases) {
    Sums sums;
    __builtin_memcpy(&sums, biases, sizeof sums);
    return sums;
}

// Adds products of at most 255 x 127, which 16 bits hold: eight are made at once, and get their upper halves, on
// which a little-endian machine's order depends.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bundles are little-endian, and so must the machine be");
ONB_INLINE void add_products(Shorts values, const int16_t *weights, Ints *low, Ints *high) {
    Shorts w;
    __builtin_memcpy(&w, weights, sizeof w);
    const Shorts products = values * w;
    const Shorts signs = products >> 15;
    const Shorts lower = __builtin_shuffle(products, signs, Shorts{0, 8, 1, 9, 2, 10, 3, 11});
    const Shorts upper = __builtin_shuffle(products, signs, Shorts{4, 12, 5, 13, 6, 14, 7, 15});
    *low += reinterpret_cast<Ints>(lower);
    *high += reinterpret_cast<Ints>(upper);
}

// Four numbers as bytes, to the nearest, ties to even, and held within 0 and 255.
ONB_INLINE void store_four(Floats values, uint8_t *out) {
    const Floats none = {};
    values = values > none ? values : none;
    values = values < 255.0f ? values : none + 255.0f;
    const Floats shifted = values + 12582912.0f; // 1.5 x 2^23: the lowest bits are the rounded number
    const FourBytes bytes = __builtin_convertvector(reinterpret_cast<Ints>(shifted) & 0xff, FourBytes);
    __builtin_memcpy(out, &bytes, sizeof bytes);
}

ONB_INLINE Floats load_floats(const float *at) {
    Floats values;
    __builtin_memcpy(&values, at, sizeof values);
    return values;
}

ONB_INLINE void store_bytes(const Sums &sums, const float *factors, uint8_t *out) {
    for (size_t i = 0; i < 4; ++i) {
        store_four(__builtin_convertvector(sums.parts[i], Floats) * load_floats(factors + 4 * i), out + 4 * i);
    }
}

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
ONB_INLINE Sums sum_block(const uint8_t *const *rows, size_t parts, size_t x, const PackedLayer &layer,
                          size_t block) {
    const int16_t *weights = layer.weights + block * layer.depth * block_outputs;
    const size_t bytes = layer.depth / parts;
    Sums sums = load_sums(layer.biases + block * block_outputs);
    for (size_t p = 0; p < parts; ++p) {
        const uint8_t *pixel = rows[p] + x * bytes;
        for (size_t k = 0; k < bytes; ++k, weights += block_outputs) {
            const Shorts values = Shorts{} + static_cast<int16_t>(pixel[k]);
            add_products(values, weights, &sums.parts[0], &sums.parts[1]);
            add_products(values, weights + 8, &sums.parts[2], &sums.parts[3]);
        }
    }
    return sums;
}

void pointwise(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out) {
    for (size_t x = 0; x < count; ++x) {
        for (size_t b = 0; b < layer.blocks; ++b, out += block_outputs) {
            store_bytes(sum_block(rows, parts, x, layer, b), layer.factors + b * block_outputs, out);
        }
    }
}

void logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    for (size_t x = 0; x < count; ++x) {
        for (size_t b = 0; b < layer.blocks; ++b, out += block_outputs) {
            const Sums sums = sum_block(&row, 1, x, layer, b);
            for (size_t i = 0; i < 4; ++i) {
                const Floats numbers = __builtin_convertvector(sums.parts[i], Floats) *
                                       load_floats(layer.factors + b * block_outputs + 4 * i);
                __builtin_memcpy(out + 4 * i, &numbers, sizeof numbers);
            }
        }
    }
}

ONB_INLINE Shorts eight_bytes(const uint8_t *at) {
    typedef uint8_t Bytes8 __attribute__((vector_size(8)));
    Bytes8 bytes;
    __builtin_memcpy(&bytes, at, sizeof bytes);
    return __builtin_convertvector(bytes, Shorts);
}

void depthwise(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    const size_t channels = layer.blocks * block_outputs;
    for (size_t x = 0; x < count; ++x, out += channels) {
        for (size_t c = 0; c < channels; c += block_outputs) {
            Sums sums = load_sums(layer.biases + c);
            for (size_t tap = 0; tap < 9; ++tap) {
                const uint8_t *pixel = rows[tap / 3] + (x + tap % 3) * channels - channels + c;
                const int16_t *weights = layer.weights + tap * channels + c;
                add_products(eight_bytes(pixel), weights, &sums.parts[0], &sums.parts[1]);
                add_products(eight_bytes(pixel + 8), weights + 8, &sums.parts[2], &sums.parts[3]);
            }
            store_bytes(sums, layer.factors + c, out + c);
        }
    }
}

ONB_INLINE Floats four_floats(const uint8_t *at) {
    FourBytes bytes;
    __builtin_memcpy(&bytes, at, sizeof bytes);
    return __builtin_convertvector(bytes, Floats);
}

void add(const uint8_t *fine, const uint8_t *half, size_t odd, size_t channels, size_t count, float fine_factor,
         float half_factor, uint8_t *out) {
    for (size_t x = 0; x < count; ++x, fine += channels, out += channels) {
        const uint8_t *pixel = half + (x + odd) / 2 * channels;
        for (size_t c = 0; c < channels; c += 4) {
            store_four(four_floats(fine + c) * fine_factor + four_floats(pixel + c) * half_factor, out + c);
        }
    }
}

} // namespace

const Int8Kernels int8_baseline = {"baseline", pack_pointwise, pack_depthwise, pointwise,
                                   logits,     depthwise,      add,            quantize};

} // namespace onb
