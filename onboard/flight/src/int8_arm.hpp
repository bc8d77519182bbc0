// What the kernels for ARM's levels share. Bytes are taken less 128: Neon multiplies only numbers of one kind of
// sign, and two products of at most 128 x 127 fit in 16 bits. What that takes off each sum, 128 times its weights,
// is put back by biases of their own, behind the weights.
#pragma once

#include "int8_impl.hpp"

#include <arm_neon.h>

namespace onb {

namespace {

constexpr size_t tile = 4; // pixels whose sums stay in registers

ONB_INLINE int8x16_t signed_bytes(const uint8_t *at) {
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(at), vdupq_n_u8(128)));
}

ONB_INLINE int8_t *packed_weights(const PackedLayer &layer) { return reinterpret_cast<int8_t *>(layer.weights); }

// Weights of one byte leave half of their room.
ONB_INLINE int32_t *own_biases(const PackedLayer &layer) {
    return reinterpret_cast<int32_t *>(packed_weights(layer) + layer.blocks * block_outputs * layer.depth);
}

// Of each of sixteen outputs `span` bytes of depth side by side, then the next `span`.
ONB_INLINE void pack_spans(const RawWeights &weights, const PackedLayer &layer, size_t span) {
    int8_t *packed = packed_weights(layer);
    for (size_t o = 0; o < layer.blocks * block_outputs; ++o) {
        int8_t *block = packed + o / block_outputs * layer.depth * block_outputs;
        int32_t sum = 0;
        for (size_t k = 0; k < layer.depth; ++k) {
            const int8_t weight = weights.at(o, k);
            block[k / span * span * block_outputs + o % block_outputs * span + k % span] = weight;
            sum += weight;
        }
        own_biases(layer)[o] = layer.biases[o] + 128 * sum;
    }
}

ONB_INLINE int32x4_t to_steps(int32x4_t sums, float32x4_t factors) {
    return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums), factors));
}

// Sixteen steps as bytes, held within 0 and 255.
ONB_INLINE void store_steps(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, uint8_t *out) {
    const int16x8_t low = vqmovn_high_s32(vqmovn_s32(a), b);
    const int16x8_t high = vqmovn_high_s32(vqmovn_s32(c), d);
    vst1q_u8(out, vqmovun_high_s16(vqmovun_s16(low), high));
}

ONB_INLINE void store_bytes(const int32x4_t (&sums)[4], const float *factors, uint8_t *out) {
    store_steps(to_steps(sums[0], vld1q_f32(factors)), to_steps(sums[1], vld1q_f32(factors + 4)),
                to_steps(sums[2], vld1q_f32(factors + 8)), to_steps(sums[3], vld1q_f32(factors + 12)), out);
}

// Sums of a tile of pixels and one block of outputs. Level::add_sixteen adds sixteen bytes' products with the
// 256 weights that follow.
template <class Level>
ONB_INLINE void sum_tile(const uint8_t *const *rows, size_t parts, size_t x, const PackedLayer &layer, size_t block,
                         int32x4_t (&sums)[tile][4]) {
    const size_t bytes = layer.depth / parts;
    const int8_t *weights = packed_weights(layer) + block * layer.depth * block_outputs;
    const int32_t *biases = own_biases(layer) + block * block_outputs;
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; ++v) {
        const int32x4_t bias = vld1q_s32(biases + 4 * v);
#pragma GCC unroll 4
        for (size_t i = 0; i < tile; ++i) {
            sums[i][v] = bias;
        }
    }
    for (size_t p = 0; p < parts; ++p) {
        const uint8_t *pixel = rows[p] + x * bytes;
        for (size_t k = 0; k < bytes; k += 16, weights += 256) {
            int8x16_t given[tile];
#pragma GCC unroll 4
            for (size_t i = 0; i < tile; ++i) {
                given[i] = signed_bytes(pixel + i * bytes + k);
            }
            Level::add_sixteen(given, weights, sums);
        }
    }
}

template <class Level>
ONB_INLINE void point_rows(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer,
                           uint8_t *out) {
    const size_t stride = layer.blocks * block_outputs;
    for (size_t x = 0; x < count; x += tile) {
        for (size_t b = 0; b < layer.blocks; ++b) {
            int32x4_t sums[tile][4];
            sum_tile<Level>(rows, parts, x, layer, b, sums);
#pragma GCC unroll 4
            for (size_t i = 0; i < tile; ++i) {
                store_bytes(sums[i], layer.factors + b * block_outputs,
                            out + (x + i) * stride + b * block_outputs);
            }
        }
    }
}

template <class Level>
ONB_INLINE void point_logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    for (size_t x = 0; x < count; x += tile) {
        for (size_t b = 0; b < layer.blocks; ++b) {
            int32x4_t sums[tile][4];
            sum_tile<Level>(&row, 1, x, layer, b, sums);
#pragma GCC unroll 16
            for (size_t i = 0; i < 4 * tile; ++i) {
                const float32x4_t factors = vld1q_f32(layer.factors + b * block_outputs + i % 4 * 4);
                vst1q_f32(out + ((x + i / 4) * layer.blocks + b) * block_outputs + i % 4 * 4,
                          vmulq_f32(vcvtq_f32_s32(sums[i / 4][i % 4]), factors));
            }
        }
    }
}

// Sixteen channels of one pixel of three rows, as a level wants them: Level::column makes one, Level::Taps holds
// the channels' weights, and Level::sum adds three columns' products to their biases.
template <class Level>
ONB_INLINE void sweep(const uint8_t *const *rows, size_t first, size_t pixels, size_t channels,
                      const typename Level::Piece &piece, const float *factors, uint8_t *out) {
    const typename Level::Taps taps(piece);
    size_t at = first * channels;
    typename Level::Column left = Level::column(rows, at - channels);
    typename Level::Column middle = Level::column(rows, at);
    // Three at a time, so that no column has to move from register to register.
    for (size_t x = 0; x < pixels; x += 3, at += 3 * channels) {
        int32x4_t sums[4];
        const typename Level::Column right = Level::column(rows, at + channels);
        Level::sum(piece, taps, left, middle, right, sums);
        store_bytes(sums, factors, out + at);
        left = Level::column(rows, at + 2 * channels);
        Level::sum(piece, taps, middle, right, left, sums);
        store_bytes(sums, factors, out + at + channels);
        middle = Level::column(rows, at + 3 * channels);
        Level::sum(piece, taps, right, left, middle, sums);
        store_bytes(sums, factors, out + at + 2 * channels);
    }
}

constexpr size_t sweep_pixels = 48; // whole threes; their three rows stay near for the next channels

template <class Level>
ONB_INLINE void sweep_rows(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    const size_t channels = layer.blocks * block_outputs;
    const auto *pieces = reinterpret_cast<const typename Level::Piece *>(layer.weights);
    for (size_t first = 0; first < count; first += sweep_pixels) {
        const size_t rest = count - first;
        const size_t pixels = rest < sweep_pixels ? rest : sweep_pixels;
        for (size_t b = 0; b < layer.blocks; ++b) {
            const size_t c = b * block_outputs;
            const uint8_t *const shifted[3] = {rows[0] + c, rows[1] + c, rows[2] + c};
            sweep<Level>(shifted, first, pixels, channels, pieces[b], layer.factors + c, out + c);
        }
    }
}

// Places of a channel's nine taps are the level's own, Level::Piece::tap(channel, tap).
template <class Level> ONB_INLINE void pack_sweep(const RawWeights &weights, const PackedLayer &layer) {
    static_assert(sizeof(typename Level::Piece) <= 16 * 32, "packed_depthwise has room for 32 bytes a channel");
    auto *pieces = reinterpret_cast<typename Level::Piece *>(layer.weights);
    for (size_t c = 0; c < layer.blocks * block_outputs; ++c) {
        typename Level::Piece *piece = &pieces[c / block_outputs];
        int32_t sum = 0;
        for (size_t tap = 0; tap < 9; ++tap) {
            const int8_t weight = weights.at(c, tap);
            *piece->tap(c % block_outputs, tap) = weight;
            sum += weight;
        }
        piece->biases[c % block_outputs] = layer.biases[c] + 128 * sum;
    }
}

ONB_INLINE int32x4_t added(uint16x4_t fine, uint16x4_t half, float one, float other) {
    const float32x4_t a = vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(fine)), one);
    const float32x4_t b = vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(half)), other);
    return vcvtnq_s32_f32(vaddq_f32(a, b));
}

void add(const uint8_t *fine, const uint8_t *half, size_t odd, size_t channels, size_t count, float fine_factor,
         float half_factor, uint8_t *out) {
    for (size_t x = 0; x < count; ++x, fine += channels, out += channels) {
        const uint8_t *pixel = half + (x + odd) / 2 * channels;
        for (size_t c = 0; c < channels; c += 16) {
            const uint8x16_t f = vld1q_u8(fine + c);
            const uint8x16_t h = vld1q_u8(pixel + c);
            const uint16x8_t f_low = vmovl_u8(vget_low_u8(f));
            const uint16x8_t f_high = vmovl_high_u8(f);
            const uint16x8_t h_low = vmovl_u8(vget_low_u8(h));
            const uint16x8_t h_high = vmovl_high_u8(h);
            store_steps(added(vget_low_u16(f_low), vget_low_u16(h_low), fine_factor, half_factor),
                        added(vget_high_u16(f_low), vget_high_u16(h_low), fine_factor, half_factor),
                        added(vget_low_u16(f_high), vget_low_u16(h_high), fine_factor, half_factor),
                        added(vget_high_u16(f_high), vget_high_u16(h_high), fine_factor, half_factor), out + c);
        }
    }
}

} // namespace

} // namespace onb
