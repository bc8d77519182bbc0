// Kernels for AVX-512 with VNNI: vpdpbusd adds four products of bytes to each of sixteen sums, exactly.
#include "int8_impl.hpp"

#include <immintrin.h>

namespace onb {

namespace {

constexpr size_t tile = 8; // pixels whose sums stay in registers

// Four bytes of depth side by side for each of sixteen outputs.
void pack_pointwise(const RawWeights &weights, const PackedLayer &layer) {
    auto *packed = reinterpret_cast<int8_t *>(layer.weights);
    for (size_t b = 0; b < layer.blocks; ++b) {
        for (size_t k = 0; k < layer.depth; ++k) {
            for (size_t o = 0; o < block_outputs; ++o) {
                packed[b * layer.depth * 16 + k / 4 * 64 + o * 4 + k % 4] =
                    weights.at(b * block_outputs + o, k);
            }
        }
    }
}

// The channel of each of 64 sums of a piece: interleaving rows of bytes leaves vector v, lane l and place i
// with byte 16 l + 4 v + i.
ONB_INLINE size_t byte_of(size_t vector, size_t sum) { return sum / 4 * 16 + 4 * vector + sum % 4; }

struct alignas(64) Piece {
    int8_t taps[3][4][64]; // by column, vector; four bytes a sum: rows 0, 1, 2 and nothing
    int32_t biases[4][16];
    float factors[4][16];
};
static_assert(sizeof(Piece) <= 1024 * sizeof(int16_t), "the room for packed weights");

void pack_depthwise(const RawWeights &weights, const PackedLayer &layer) {
    const size_t channels = layer.blocks * block_outputs;
    auto *pieces = reinterpret_cast<Piece *>(layer.weights);
    for (size_t p = 0; p < channel_period(channels, 64); ++p) {
        for (size_t v = 0; v < 4; ++v) {
            for (size_t s = 0; s < 16; ++s) {
                const size_t c = (p * 64 + byte_of(v, s)) % channels;
                for (size_t j = 0; j < 3; ++j) {
                    for (size_t i = 0; i < 4; ++i) {
                        pieces[p].taps[j][v][4 * s + i] = i < 3 ? weights.at(c, i * 3 + j) : int8_t{0};
                    }
                }
                pieces[p].biases[v][s] = layer.biases[c];
                pieces[p].factors[v][s] = layer.factors[c];
            }
        }
    }
}

ONB_INLINE __m512i to_steps(__m512i sums, __m512 factors) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), factors));
}

// Sixty-four bytes of four vectors of steps, one behind the other.
ONB_INLINE __m512i pack_in_lanes(__m512i a, __m512i b, __m512i c, __m512i d) {
    return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
}

ONB_INLINE __m512i pack_in_order(__m512i a, __m512i b, __m512i c, __m512i d) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, pack_in_lanes(a, b, c, d));
}

ONB_INLINE __m512i four_bytes(const uint8_t *at) {
    int32_t value = 0;
    __builtin_memcpy(&value, at, sizeof value);
    return _mm512_set1_epi32(value);
}

// Sums of `tile` pixels and some blocks of outputs; they all stay in registers.
template <size_t blocks>
ONB_INLINE void sum_tile(const uint8_t *const *rows, size_t parts, size_t x, const PackedLayer &layer, size_t first,
                         __m512i (&sums)[tile][blocks]) {
    const size_t bytes = layer.depth / parts;
    const size_t block_size = layer.depth * 16;
    const auto *weights = reinterpret_cast<const int8_t *>(layer.weights) + first * block_size;
#pragma GCC unroll 8
    for (size_t b = 0; b < blocks; ++b) {
        const __m512i bias = _mm512_load_si512(layer.biases + (first + b) * block_outputs);
#pragma GCC unroll 8
        for (size_t i = 0; i < tile; ++i) {
            sums[i][b] = bias;
        }
    }
    for (size_t p = 0; p < parts; ++p) {
        const uint8_t *pixel = rows[p] + x * bytes;
        for (size_t k = 0; k < bytes; k += 4, weights += 64) {
            __m512i w[blocks];
#pragma GCC unroll 8
            for (size_t b = 0; b < blocks; ++b) {
                w[b] = _mm512_load_si512(weights + b * block_size);
            }
#pragma GCC unroll 8
            for (size_t i = 0; i < tile; ++i) {
                const __m512i given = four_bytes(pixel + i * bytes + k);
#pragma GCC unroll 8
                for (size_t b = 0; b < blocks; ++b) {
                    sums[i][b] = _mm512_dpbusd_epi32(sums[i][b], given, w[b]);
                }
            }
        }
    }
}

// Bytes of some blocks of outputs; `stride` bytes lie between pixels of the result.
template <size_t blocks>
ONB_INLINE void point_blocks(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer,
                             size_t first, uint8_t *out) {
    const size_t stride = layer.blocks * block_outputs;
    __m512 factors[blocks];
    for (size_t b = 0; b < blocks; ++b) {
        factors[b] = _mm512_load_ps(layer.factors + (first + b) * block_outputs);
    }
    for (size_t x = 0; x < count; x += tile) {
        __m512i sums[tile][blocks];
        sum_tile<blocks>(rows, parts, x, layer, first, sums);
        // In memory's order: outputs of a pixel, then those of the next.
        __m512i steps[tile * blocks];
#pragma GCC unroll 32
        for (size_t i = 0; i < tile * blocks; ++i) {
            steps[i] = to_steps(sums[i / blocks][i % blocks], factors[i % blocks]);
        }
#pragma GCC unroll 32
        for (size_t i = 0; i < tile * blocks; i += 4) {
            const __m512i four = pack_in_order(steps[i], steps[i + 1], steps[i + 2], steps[i + 3]);
            if (stride == blocks * block_outputs) {
                _mm512_storeu_si512(out + x * stride + i * 16, four);
                continue;
            }
            alignas(64) uint8_t bytes[64];
            _mm512_store_si512(bytes, four);
            for (size_t j = 0; j < 4; ++j) {
                const size_t at = (x + (i + j) / blocks) * stride + (first + (i + j) % blocks) * block_outputs;
                __builtin_memcpy(out + at, bytes + 16 * j, 16);
            }
        }
    }
}

void pointwise(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out) {
    size_t first = 0;
    for (; first + 3 <= layer.blocks; first += 3) {
        point_blocks<3>(rows, parts, count, layer, first, out);
    }
    if (layer.blocks - first == 2) {
        point_blocks<2>(rows, parts, count, layer, first, out);
    } else if (layer.blocks - first == 1) {
        point_blocks<1>(rows, parts, count, layer, first, out);
    }
}

void logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    for (size_t b = 0; b < layer.blocks; ++b) {
        const __m512 factors = _mm512_load_ps(layer.factors + b * block_outputs);
        for (size_t x = 0; x < count; x += tile) {
            __m512i sums[tile][1];
            sum_tile<1>(&row, 1, x, layer, b, sums);
#pragma GCC unroll 8
            for (size_t i = 0; i < tile; ++i) {
                _mm512_storeu_ps(out + ((x + i) * layer.blocks + b) * block_outputs,
                                 _mm512_mul_ps(_mm512_cvtepi32_ps(sums[i][0]), factors));
            }
        }
    }
}

// Four vectors of sums of a piece: for each channel one column's three rows side by side.
ONB_INLINE void add_column(const uint8_t *top, const uint8_t *middle, const uint8_t *bottom, const int8_t (*taps)[64],
                           __m512i sums[4]) {
    const __m512i a = _mm512_loadu_si512(top);
    const __m512i b = _mm512_loadu_si512(middle);
    const __m512i c = _mm512_loadu_si512(bottom);
    const __m512i none = _mm512_setzero_si512();
    const __m512i ab_low = _mm512_unpacklo_epi8(a, b);
    const __m512i ab_high = _mm512_unpackhi_epi8(a, b);
    const __m512i c_low = _mm512_unpacklo_epi8(c, none);
    const __m512i c_high = _mm512_unpackhi_epi8(c, none);
    sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_unpacklo_epi16(ab_low, c_low), _mm512_load_si512(taps[0]));
    sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_unpackhi_epi16(ab_low, c_low), _mm512_load_si512(taps[1]));
    sums[2] = _mm512_dpbusd_epi32(sums[2], _mm512_unpacklo_epi16(ab_high, c_high), _mm512_load_si512(taps[2]));
    sums[3] = _mm512_dpbusd_epi32(sums[3], _mm512_unpackhi_epi16(ab_high, c_high), _mm512_load_si512(taps[3]));
}

void depthwise(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    const size_t channels = layer.blocks * block_outputs;
    const size_t period = channel_period(channels, 64);
    const auto *pieces = reinterpret_cast<const Piece *>(layer.weights);
    size_t phase = 0;
    for (size_t at = 0; at < count * channels; at += 64) {
        const Piece &piece = pieces[phase];
        phase = phase + 1 == period ? 0 : phase + 1;
        __m512i sums[4];
        for (size_t v = 0; v < 4; ++v) {
            sums[v] = _mm512_load_si512(piece.biases[v]);
        }
#pragma GCC unroll 3
        for (size_t j = 0; j < 3; ++j) {
            const size_t from = at + j * channels;
            add_column(rows[0] + from - channels, rows[1] + from - channels, rows[2] + from - channels,
                       piece.taps[j], sums);
        }
        for (size_t v = 0; v < 4; ++v) {
            sums[v] = to_steps(sums[v], _mm512_load_ps(piece.factors[v]));
        }
        // Packing within lanes undoes the interleaving.
        _mm512_storeu_si512(out + at, pack_in_lanes(sums[0], sums[1], sums[2], sums[3]));
    }
}

ONB_INLINE __m512 sixteen(const uint8_t *at) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(at))));
}

void add(const uint8_t *fine, const uint8_t *half, size_t odd, size_t channels, size_t count, float fine_factor,
         float half_factor, uint8_t *out) {
    const __m512 one = _mm512_set1_ps(fine_factor);
    const __m512 other = _mm512_set1_ps(half_factor);
    for (size_t x = 0; x < count; ++x, fine += channels, out += channels) {
        const uint8_t *pixel = half + (x + odd) / 2 * channels;
        for (size_t c = 0; c < channels; c += 16) {
            const __m512 sum = _mm512_add_ps(_mm512_mul_ps(sixteen(fine + c), one),
                                             _mm512_mul_ps(sixteen(pixel + c), other));
            _mm_storeu_si128(reinterpret_cast<__m128i *>(out + c), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(sum)));
        }
    }
}

} // namespace

const Int8Kernels int8_vnni = {"vnni", pack_pointwise, pack_depthwise, pointwise, logits, depthwise, add, quantize};

} // namespace onb
