// Kernels for any 64-bit ARM: products of bytes in 16 bits, two at a time, and then into sums of 32 bits.
#include "int8_arm.hpp"

namespace onb {

namespace {

// Four bytes of depth: for each output two pairs of products, each pair within 16 bits.
template <int quad>
ONB_INLINE void add_four(const int8x16_t (&given)[tile], const int8_t *weights, int32x4_t (&sums)[tile][4]) {
    const int8x16_t first_low = vld1q_s8(weights);
    const int8x16_t first_high = vld1q_s8(weights + 16);
    const int8x16_t second_low = vld1q_s8(weights + 32);
    const int8x16_t second_high = vld1q_s8(weights + 48);
#pragma GCC unroll 4
    for (size_t i = 0; i < tile; ++i) {
        const int16x8_t pairs = vreinterpretq_s16_s8(given[i]);
        const int8x16_t one = vreinterpretq_s8_s16(vdupq_laneq_s16(pairs, 2 * quad));
        const int8x16_t two = vreinterpretq_s8_s16(vdupq_laneq_s16(pairs, 2 * quad + 1));
        const int16x8_t a = vmull_s8(vget_low_s8(one), vget_low_s8(first_low));
        const int16x8_t b = vmull_high_s8(one, first_low);
        const int16x8_t c = vmull_s8(vget_low_s8(one), vget_low_s8(first_high));
        const int16x8_t d = vmull_high_s8(one, first_high);
        sums[i][0] = vpadalq_s16(sums[i][0], vmlal_s8(a, vget_low_s8(two), vget_low_s8(second_low)));
        sums[i][1] = vpadalq_s16(sums[i][1], vmlal_high_s8(b, two, second_low));
        sums[i][2] = vpadalq_s16(sums[i][2], vmlal_s8(c, vget_low_s8(two), vget_low_s8(second_high)));
        sums[i][3] = vpadalq_s16(sums[i][3], vmlal_high_s8(d, two, second_high));
    }
}

struct Neon {
    struct Piece {
        int8_t taps[9][block_outputs];
        int32_t biases[block_outputs];

        ONB_INLINE int8_t *tap(size_t channel, size_t index) { return &taps[index][channel]; }
    };
    struct Taps {
        int8x16_t at[9];

        ONB_INLINE explicit Taps(const Piece &piece) {
#pragma GCC unroll 9
            for (size_t i = 0; i < 9; ++i) {
                at[i] = vld1q_s8(piece.taps[i]);
            }
        }
    };
    struct Column {
        int8x16_t rows[3];
    };

    static ONB_INLINE void add_sixteen(const int8x16_t (&given)[tile], const int8_t *weights,
                                       int32x4_t (&sums)[tile][4]) {
        add_four<0>(given, weights, sums);
        add_four<1>(given, weights + 64, sums);
        add_four<2>(given, weights + 128, sums);
        add_four<3>(given, weights + 192, sums);
    }
    static ONB_INLINE Column column(const uint8_t *const *rows, size_t at) {
        return {{signed_bytes(rows[0] + at), signed_bytes(rows[1] + at), signed_bytes(rows[2] + at)}};
    }
    static ONB_INLINE void widen(int16x8_t low, int16x8_t high, int32x4_t (&sums)[4]) {
        sums[0] = vaddw_s16(sums[0], vget_low_s16(low));
        sums[1] = vaddw_high_s16(sums[1], low);
        sums[2] = vaddw_s16(sums[2], vget_low_s16(high));
        sums[3] = vaddw_high_s16(sums[3], high);
    }
    static ONB_INLINE void add_pair(int8x16_t a, int8x16_t w, int8x16_t b, int8x16_t v, int32x4_t (&sums)[4]) {
        const int16x8_t low = vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(w)), vget_low_s8(b), vget_low_s8(v));
        widen(low, vmlal_high_s8(vmull_high_s8(a, w), b, v), sums);
    }
    static ONB_INLINE void sum(const Piece &piece, const Taps &taps, const Column &left, const Column &middle,
                               const Column &right, int32x4_t (&sums)[4]) {
#pragma GCC unroll 4
        for (size_t v = 0; v < 4; ++v) {
            sums[v] = vld1q_s32(piece.biases + 4 * v);
        }
#pragma GCC unroll 3
        for (size_t i = 0; i < 3; ++i) {
            add_pair(left.rows[i], taps.at[3 * i], middle.rows[i], taps.at[3 * i + 1], sums);
        }
        add_pair(right.rows[0], taps.at[2], right.rows[1], taps.at[5], sums);
        widen(vmull_s8(vget_low_s8(right.rows[2]), vget_low_s8(taps.at[8])),
              vmull_high_s8(right.rows[2], taps.at[8]), sums);
    }
};

void pack_pointwise(const RawWeights &weights, const PackedLayer &layer) { pack_spans(weights, layer, 2); }
void pack_depthwise(const RawWeights &weights, const PackedLayer &layer) { pack_sweep<Neon>(weights, layer); }

void pointwise(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out) {
    point_rows<Neon>(rows, parts, count, layer, out);
}

void logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    point_logits<Neon>(row, count, layer, out);
}

void depthwise(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    sweep_rows<Neon>(rows, count, layer, out);
}

} // namespace

const Int8Kernels int8_neon = {"neon", pack_pointwise, pack_depthwise, pointwise, logits, depthwise, add, quantize};

} // namespace onb
