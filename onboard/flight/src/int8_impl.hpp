// What the files of kernels for the quantized body share; included once for each instruction set. Nothing
// inline from the standard library is used here: the linker could otherwise keep a copy that only the newest
// machine can run.
#include "int8_kernels.hpp"

namespace onb {

namespace {

typedef uint8_t Bytes16 __attribute__((vector_size(16)));

// To the nearest whole number, ties to even, of |value| below 2^22.
ONB_INLINE int32_t rounded(float value) {
    const float shifted = value + 12582912.0f; // 1.5 x 2^23
    int32_t bits = 0;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4b400000;
}

constexpr size_t quantize_pixels = 64;
constexpr size_t most_channels = 272;

// One plane's next pixels as bytes.
ONB_INLINE void quantize_plane(const float *plane, float inverse, int32_t zero, size_t count, uint8_t *out) {
    for (size_t x = 0; x < count; ++x) {
        float value = plane[x] * inverse;
        value = value > -512.0f ? value : -512.0f;
        value = value < 512.0f ? value : 512.0f;
        int32_t step = rounded(value) + zero;
        step = step > 0 ? step : 0;
        out[x] = static_cast<uint8_t>(step < 255 ? step : 255);
    }
}

// Sixteen rows of sixteen bytes become sixteen columns: four rounds, each of which interleaves row i and i + 8.
ONB_INLINE void transpose16(Bytes16 rows[16]) {
    const Bytes16 low = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    const Bytes16 high = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    for (int round = 0; round < 4; ++round) {
        Bytes16 mixed[16];
        for (int i = 0; i < 8; ++i) {
            mixed[2 * i] = __builtin_shuffle(rows[i], rows[i + 8], low);
            mixed[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + 8], high);
        }
        for (int i = 0; i < 16; ++i) {
            rows[i] = mixed[i];
        }
    }
}

void quantize(const float *const *planes, const float *inverse_scales, const uint8_t *zeros, size_t count,
              size_t channels, size_t samples, uint8_t *out) {
    alignas(64) uint8_t bytes[most_channels][quantize_pixels];
    for (size_t c = count; c < channels; ++c) {
        __builtin_memset(bytes[c], 0, quantize_pixels);
    }
    for (size_t first = 0; first < samples; first += quantize_pixels) {
        const size_t rest = samples - first;
        const size_t pixels = rest < quantize_pixels ? rest : quantize_pixels;
        for (size_t c = 0; c < count; ++c) {
            quantize_plane(planes[c] + first, inverse_scales[c], zeros[c], pixels, bytes[c]);
        }
        for (size_t x = 0; x < pixels; x += 16) {
            for (size_t c = 0; c < channels; c += 16) {
                Bytes16 block[16];
                for (size_t i = 0; i < 16; ++i) {
                    __builtin_memcpy(&block[i], &bytes[c + i][x], 16);
                }
                transpose16(block);
                for (size_t i = 0; i < 16 && x + i < pixels; ++i) {
                    __builtin_memcpy(out + (first + x + i) * channels + c, &block[i], 16);
                }
            }
        }
    }
}

} // namespace

} // namespace onb
