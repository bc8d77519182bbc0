// Kernels for AVX2. vpmaddubsw would saturate at 16 bits; vpmaddwd on bytes widened to 16 bits is exact.
#include "int8_impl.hpp"

#include <immintrin.h>

namespace onb {

namespace {

constexpr size_t tile = 4; // pixels whose sums stay in registers

// Two bytes of depth side by side for each of sixteen outputs, as 16-bit numbers.
void pack_pointwise(const RawWeights &weights, const PackedLayer &layer) {
    for (size_t b = 0; b < layer.blocks; ++b) {
        for (size_t k = 0; k < layer.depth; ++k) {
            for (size_t o = 0; o < block_outputs; ++o) {
                layer.weights[b * layer.depth * 16 + k / 2 * 32 + o * 2 + k % 2] =
                    weights.at(b * block_outputs + o, k);
            }
        }
    }
}

// The byte of each of 32 sums of a piece, after two rounds of interleaving within lanes.
ONB_INLINE size_t byte_of(size_t vector, size_t sum) { return sum / 4 * 16 + 4 * vector + sum % 4; }

struct alignas(32) Piece {
    int16_t taps[5][4][16]; // by pair of taps, vector; two numbers a sum
    int32_t biases[4][8];
    float factors[4][8];
};
static_assert(2 * sizeof(Piece) <= 1024 * sizeof(int16_t), "the room for packed weights");

void pack_depthwise(const RawWeights &weights, const PackedLayer &layer) {
    const size_t channels = layer.blocks * block_outputs;
    auto *pieces = reinterpret_cast<Piece *>(layer.weights);
    for (size_t p = 0; p < channel_period(channels, 32); ++p) {
        for (size_t v = 0; v < 4; ++v) {
            for (size_t s = 0; s < 8; ++s) {
                const size_t c = (p * 32 + byte_of(v, s)) % channels;
                for (size_t tap = 0; tap < 10; ++tap) {
                    pieces[p].taps[tap / 2][v][2 * s + tap % 2] =
                        tap < 9 ? weights.at(c, tap) : int16_t{0};
                }
                pieces[p].biases[v][s] = layer.biases[c];
                pieces[p].factors[v][s] = layer.factors[c];
            }
        }
    }
}

ONB_INLINE __m256i load(const void *at) { return _mm256_loadu_si256(static_cast<const __m256i *>(at)); }

ONB_INLINE __m256i to_steps(__m256i sums, __m256 factors) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), factors));
}

ONB_INLINE __m256i pack_in_lanes(__m256i a, __m256i b, __m256i c, __m256i d) {
    return _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
}

// Sums of `tile` pixels and one block of outputs. `wide` holds the pixels' bytes as 16-bit numbers.
ONB_INLINE void sum_tile(const uint16_t *wide, const PackedLayer &layer, size_t block, __m256i (&sums)[tile][2]) {
    const int16_t *weights = layer.weights + block * layer.depth * 16;
    for (size_t h = 0; h < 2; ++h) {
        const __m256i bias = load(layer.biases + block * block_outputs + 8 * h);
        for (size_t i = 0; i < tile; ++i) {
            sums[i][h] = bias;
        }
    }
    for (size_t k = 0; k < layer.depth; k += 2, weights += 32) {
        const __m256i low = load(weights);
        const __m256i high = load(weights + 16);
#pragma GCC unroll 4
        for (size_t i = 0; i < tile; ++i) {
            int32_t pair = 0;
            __builtin_memcpy(&pair, wide + i * layer.depth + k, sizeof pair);
            const __m256i given = _mm256_set1_epi32(pair);
            sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_madd_epi16(given, low));
            sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_madd_epi16(given, high));
        }
    }
}

constexpr size_t most_depth = 4 * 256;

// Widens the next pixels of all parts; a pixel's numbers lie side by side.
ONB_INLINE void widen(const uint8_t *const *rows, size_t parts, size_t x, size_t depth, uint16_t *wide) {
    const size_t bytes = depth / parts;
    for (size_t i = 0; i < tile; ++i) {
        for (size_t p = 0; p < parts; ++p) {
            const uint8_t *pixel = rows[p] + (x + i) * bytes;
            uint16_t *target = wide + i * depth + p * bytes;
            for (size_t k = 0; k < bytes; k += 16) {
                const __m128i given = _mm_loadu_si128(reinterpret_cast<const __m128i *>(pixel + k));
                _mm256_storeu_si256(reinterpret_cast<__m256i *>(target + k), _mm256_cvtepu8_epi16(given));
            }
        }
    }
}

void pointwise(const uint8_t *const *rows, size_t parts, size_t count, const PackedLayer &layer, uint8_t *out) {
    const size_t stride = layer.blocks * block_outputs;
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    alignas(32) uint16_t wide[tile * most_depth];
    for (size_t x = 0; x < count; x += tile) {
        widen(rows, parts, x, layer.depth, wide);
        for (size_t b = 0; b < layer.blocks; ++b) {
            __m256i sums[tile][2];
            sum_tile(wide, layer, b, sums);
            const __m256 low = _mm256_loadu_ps(layer.factors + b * block_outputs);
            const __m256 high = _mm256_loadu_ps(layer.factors + b * block_outputs + 8);
            for (size_t i = 0; i < tile; i += 2) {
                const __m256i two = pack_in_lanes(to_steps(sums[i][0], low), to_steps(sums[i][1], high),
                                                  to_steps(sums[i + 1][0], low), to_steps(sums[i + 1][1], high));
                const __m256i bytes = _mm256_permutevar8x32_epi32(two, order);
                uint8_t *target = out + (x + i) * stride + b * block_outputs;
                _mm_storeu_si128(reinterpret_cast<__m128i *>(target), _mm256_castsi256_si128(bytes));
                _mm_storeu_si128(reinterpret_cast<__m128i *>(target + stride), _mm256_extracti128_si256(bytes, 1));
            }
        }
    }
}

void logits(const uint8_t *row, size_t count, const PackedLayer &layer, float *out) {
    alignas(32) uint16_t wide[tile * most_depth];
    for (size_t x = 0; x < count; x += tile) {
        widen(&row, 1, x, layer.depth, wide);
        for (size_t b = 0; b < layer.blocks; ++b) {
            __m256i sums[tile][2];
            sum_tile(wide, layer, b, sums);
            for (size_t i = 0; i < 2 * tile; ++i) {
                const __m256 factors = _mm256_loadu_ps(layer.factors + b * block_outputs + 8 * (i % 2));
                _mm256_storeu_ps(out + ((x + i / 2) * layer.blocks + b) * block_outputs + 8 * (i % 2),
                                 _mm256_mul_ps(_mm256_cvtepi32_ps(sums[i / 2][i % 2]), factors));
            }
        }
    }
}

// Adds a pair of taps to the four vectors of sums of a piece.
ONB_INLINE void add_pair(__m256i a, __m256i b, const int16_t (*taps)[16], __m256i sums[4]) {
    const __m256i none = _mm256_setzero_si256();
    const __m256i low = _mm256_unpacklo_epi8(a, b);
    const __m256i high = _mm256_unpackhi_epi8(a, b);
    const __m256i pairs[4] = {_mm256_unpacklo_epi8(low, none), _mm256_unpackhi_epi8(low, none),
                              _mm256_unpacklo_epi8(high, none), _mm256_unpackhi_epi8(high, none)};
    for (size_t v = 0; v < 4; ++v) {
        sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(pairs[v], load(taps[v])));
    }
}

void depthwise(const uint8_t *const *rows, size_t count, const PackedLayer &layer, uint8_t *out) {
    const size_t channels = layer.blocks * block_outputs;
    const size_t period = channel_period(channels, 32);
    const auto *pieces = reinterpret_cast<const Piece *>(layer.weights);
    size_t phase = 0;
    for (size_t at = 0; at < count * channels; at += 32) {
        const Piece &piece = pieces[phase];
        phase = phase + 1 == period ? 0 : phase + 1;
        __m256i sums[4];
        for (size_t v = 0; v < 4; ++v) {
            sums[v] = load(piece.biases[v]);
        }
#pragma GCC unroll 5
        for (size_t pair = 0; pair < 5; ++pair) {
            const size_t one = 2 * pair;
            const size_t two = one + 1;
            const __m256i a = load(rows[one / 3] + at + one % 3 * channels - channels);
            const __m256i b =
                two < 9 ? load(rows[two / 3] + at + two % 3 * channels - channels) : _mm256_setzero_si256();
            add_pair(a, b, piece.taps[pair], sums);
        }
        for (size_t v = 0; v < 4; ++v) {
            sums[v] = to_steps(sums[v], _mm256_loadu_ps(piece.factors[v]));
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + at),
                            pack_in_lanes(sums[0], sums[1], sums[2], sums[3]));
    }
}

ONB_INLINE __m256 eight(const uint8_t *at) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(at))));
}

ONB_INLINE __m256i added(const uint8_t *fine, const uint8_t *half, __m256 one, __m256 other) {
    return _mm256_cvtps_epi32(_mm256_add_ps(_mm256_mul_ps(eight(fine), one), _mm256_mul_ps(eight(half), other)));
}

void add(const uint8_t *fine, const uint8_t *half, size_t odd, size_t channels, size_t count, float fine_factor,
         float half_factor, uint8_t *out) {
    const __m256 one = _mm256_set1_ps(fine_factor);
    const __m256 other = _mm256_set1_ps(half_factor);
    for (size_t x = 0; x < count; ++x, fine += channels, out += channels) {
        const uint8_t *pixel = half + (x + odd) / 2 * channels;
        for (size_t c = 0; c < channels; c += 16) {
            const __m256i low = added(fine + c, pixel + c, one, other);
            const __m256i high = added(fine + c + 8, pixel + c + 8, one, other);
            const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
            const __m128i bytes =
                _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
            _mm_storeu_si128(reinterpret_cast<__m128i *>(out + c), bytes);
        }
    }
}

} // namespace

const Int8Kernels int8_v3 = {"v3", pack_pointwise, pack_depthwise, pointwise, logits, depthwise, add, quantize};

} // namespace onb
