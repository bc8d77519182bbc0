// Kernels for ARMv8.2 with dot products: sdot adds four products of bytes to each of four sums, exactly.
#include "int8_arm.hpp"

namespace onb {

namespace {

// Four bytes of depth.
template <int quad>
ONB_INLINE void add_four(const int8x16_t (&given)[tile], const int8_t *weights, int32x4_t (&sums)[tile][4]) {
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; ++v) {
        const int8x16_t w = vld1q_s8(weights + 16 * v);
#pragma GCC unroll 4
        for (size_t i = 0; i < tile; ++i) {
            sums[i][v] = vdotq_laneq_s32(sums[i][v], w, given[i], quad);
        }
    }
}

struct Dot {
    struct Piece {
        int8_t taps[3][4 * block_outputs]; // by column; four bytes a channel: rows 0, 1, 2 and nothing
        int32_t biases[block_outputs];

        ONB_INLINE int8_t *tap(size_t channel, size_t index) {
            taps[index % 3][4 * channel + 3] = 0;
            return &taps[index % 3][4 * channel + index / 3];
        }
    };
    struct Taps {
        int8x16_t at[3][4];

        ONB_INLINE explicit Taps(const Piece &piece) {
#pragma GCC unroll 12
            for (size_t i = 0; i < 12; ++i) {
                at[i / 4][i % 4] = vld1q_s8(piece.taps[i / 4] + i % 4 * 16);
            }
        }
    };
    // Three rows' bytes of each channel side by side, and a fourth that counts for nothing.
    struct Column {
        int8x16_t parts[4];
    };

    static ONB_INLINE void add_sixteen(const int8x16_t (&given)[tile], const int8_t *weights,
                                       int32x4_t (&sums)[tile][4]) {
        add_four<0>(given, weights, sums);
        add_four<1>(given, weights + 64, sums);
        add_four<2>(given, weights + 128, sums);
        add_four<3>(given, weights + 192, sums);
    }
    static ONB_INLINE Column column(const uint8_t *const *rows, size_t at) {
        const int8x16_t a = signed_bytes(rows[0] + at);
        const int8x16_t b = signed_bytes(rows[1] + at);
        const int8x16_t c = signed_bytes(rows[2] + at);
        const int16x8_t ab_low = vreinterpretq_s16_s8(vzip1q_s8(a, b));
        const int16x8_t ab_high = vreinterpretq_s16_s8(vzip2q_s8(a, b));
        const int16x8_t cc_low = vreinterpretq_s16_s8(vzip1q_s8(c, c));
        const int16x8_t cc_high = vreinterpretq_s16_s8(vzip2q_s8(c, c));
        return {{vreinterpretq_s8_s16(vzip1q_s16(ab_low, cc_low)), vreinterpretq_s8_s16(vzip2q_s16(ab_low, cc_low)),
                 vreinterpretq_s8_s16(vzip1q_s16(ab_high, cc_high)),
                 vreinterpretq_s8_s16(vzip2q_s16(ab_high, cc_high))}};
    }
    static ONB_INLINE void sum(const Piece &piece, const Taps &taps, const Column &left, const Column &middle,
                               const Column &right, int32x4_t (&sums)[4]) {
#pragma GCC unroll 4
        for (size_t v = 0; v < 4; ++v) {
            sums[v] = vdotq_s32(vld1q_s32(piece.biases + 4 * v), left.parts[v], taps.at[0][v]);
            sums[v] = vdotq_s32(sums[v], middle.parts[v], taps.at[1][v]);
            sums[v] = vdotq_s32(sums[v], right.parts[v], taps.at[2][v]);
        }
    }
};

void pack_pointwise(const RawWeights &weights, const PackedLayer &layer) { pack_spans(weights, layer, 4); }
void pack_depthwise(const RawWeights &weights, const PackedLayer &layer) { pack_sweep<Dot>(weights, layer); }

void pointwise(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out) {
    point_rows<Dot>(rows, parts, count, layer, out);
}

void logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    point_logits<Dot>(row, count, layer, out);
}

void depthwise(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    sweep_rows<Dot>(rows, count, layer, out);
}

} // namespace

const Int8Kernels int8_dotprod = {"dotprod", pack_pointwise, pack_depthwise, pointwise,
                                  logits,    depthwise,      add,            quantize};

} // namespace onb
