// Body of the kernels; included once for each instruction set with ONB_KERNELS (name of the table),
// ONB_KERNELS_NAME and ONB_LANES (floats of one vector) set, and ONB_NEON where GCC makes poor code for ARM of
// what is written for all. Nothing inline from the standard library is
// used here: the linker could otherwise keep a copy that only the newest machine can run.
#include "kernels.hpp"

#ifdef ONB_NEON
#include <arm_neon.h>
#endif

namespace onb {

namespace {

constexpr size_t lanes = ONB_LANES;

typedef float Floats __attribute__((vector_size(4 * ONB_LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * ONB_LANES)));
typedef int16_t Shorts __attribute__((vector_size(2 * ONB_LANES)));

#define ONB_INLINE inline __attribute__((always_inline))

ONB_INLINE Floats load(const float *p) {
    Floats v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

ONB_INLINE void store(float *p, Floats v) { __builtin_memcpy(p, &v, sizeof v); }

ONB_INLINE Floats load_counts(const int16_t *p) {
#ifdef ONB_NEON
    return vcvtq_f32_s32(vmovl_s16(vld1_s16(p))); // converted one by one otherwise
#else
    Shorts v;
    __builtin_memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, Floats);
#endif
}

ONB_INLINE Floats splat(float value) { return Floats{} + value; }

ONB_INLINE float sum_lanes(Floats v) {
    float sum = 0.0f;
    for (size_t i = 0; i < lanes; ++i) {
        sum += v[i];
    }
    return sum;
}

ONB_INLINE bool any(Ints mask) {
    int32_t bits = 0;
    for (size_t i = 0; i < lanes; ++i) {
        bits |= mask[i];
    }
    return bits != 0;
}

// ln(x) of a positive normal x: x = 2^e (1 + r) with 1 + r in [sqrt(1/2), sqrt(2)), and a polynomial in r
// fitted to (ln(1 + r) - r + r^2/2) / r^3 there.
ONB_INLINE Floats natural_log(Floats x) {
    const int32_t root_half = 0x3f3504f3;
    const Ints bits = reinterpret_cast<Ints>(x) - root_half;
    const Floats exponent = __builtin_convertvector(bits >> 23, Floats);
    const Floats r = reinterpret_cast<Floats>((bits & 0x007fffff) + root_half) - 1.0f;
    Floats p = splat(0.09272214f);
    p = p * r - 0.14118426f;
    p = p * r + 0.14676397f;
    p = p * r - 0.16592856f;
    p = p * r + 0.19985127f;
    p = p * r - 0.25000921f;
    p = p * r + 0.33333409f;
    const Floats tail = r * r * (p * r - 0.5f) + r;
    return exponent * 0.69314718f + tail;
}

// exp(x) for |x| <= 80, by 2^n and a polynomial fitted to 2^f on [-1/2, 1/2].
ONB_INLINE Floats exponential(Floats x) {
    const Floats scaled = x * 1.44269504f;
    const float shifter = 12582912.0f; // 1.5 * 2^23: adding it rounds to the nearest whole number
    const Floats shifted = scaled + shifter;
    const Floats f = scaled - (shifted - shifter);
    Floats p = splat(0.00134004327f);
    p = p * f + 0.00967603736f;
    p = p * f + 0.0555032715f;
    p = p * f + 0.240221068f;
    p = p * f + 0.693147182f;
    p = p * f + 1.00000012f;
    const Ints power = reinterpret_cast<Ints>(shifted) << 23;
    return reinterpret_cast<Floats>(reinterpret_cast<Ints>(p) + power);
}

struct Seen {
    Ints bad;
    Ints saturated;
};

ONB_INLINE Floats log_step(Floats radiance, Floats inverse, Seen *seen) {
    const Floats low = splat(0.0183156389f);  // e^-4
    const Floats high = splat(20.0855369f);   // e^3
    const Floats infinity = splat(__builtin_inff());
    const Ints good = (radiance > flag_ceiling) & (radiance < infinity);
    seen->bad |= ~good;
    Floats ratio = radiance * inverse;
    const Ints above = ratio >= high;
    seen->saturated |= above;
    ratio = ratio > low ? ratio : low; // a NaN compares false, and so becomes low
    ratio = ratio < high ? ratio : high;
    return natural_log(ratio);
}

uint32_t log_pixel(const float *radiance, const float *inverse_reference, size_t bands, float *out) {
    Seen seen = {Ints{}, Ints{}};
    size_t i = 0;
    for (; i + lanes <= bands; i += lanes) {
        store(out + i, log_step(load(radiance + i), load(inverse_reference + i), &seen));
    }
    if (i < bands && bands >= lanes) {
        i = bands - lanes; // some of them once more: the same values again
        store(out + i, log_step(load(radiance + i), load(inverse_reference + i), &seen));
    } else if (i < bands) {
        float tail[2][lanes];
        for (size_t j = 0; j < lanes; ++j) {
            tail[0][j] = 1.0f;
            tail[1][j] = 1.0f;
        }
        __builtin_memcpy(tail[0], radiance + i, (bands - i) * sizeof(float));
        __builtin_memcpy(tail[1], inverse_reference + i, (bands - i) * sizeof(float));
        const Floats result = log_step(load(tail[0]), load(tail[1]), &seen);
        __builtin_memcpy(out + i, &result, (bands - i) * sizeof(float));
    }
    return (any(seen.bad) ? pixel_bad : 0u) | (any(seen.saturated) ? pixel_saturated : 0u);
}

void add_counts(int32_t *sums, const int16_t *counts, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        sums[i] += counts[i];
    }
}

void deviation(const int16_t *counts, const float *mean, size_t n, float *out) {
    for (size_t i = 0; i < n; i += lanes) {
        store(out + i, load_counts(counts + i) * (1.0f / log_scale) - load(mean + i));
    }
}

float filter(const int16_t *counts, const float *mean, const float *weights, size_t n) {
    Floats sum = Floats{};
    for (size_t i = 0; i < n; i += lanes) {
        const Floats d = load_counts(counts + i) * (1.0f / log_scale) - load(mean + i);
        sum += d * load(weights + i);
    }
    return sum_lanes(sum);
}

ONB_INLINE Ints load_whole(const int32_t *p) {
    Ints v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

uint32_t nearest(const int32_t *x, size_t bands, const int32_t *centres, size_t classes) {
    Ints best = Ints{} + INT32_MAX;
    Ints chosen = Ints{};
    for (size_t i = 0; i < classes; i += lanes) {
        Ints distance = Ints{};
        for (size_t b = 0; b < bands; ++b) {
            const Ints d = x[b] - load_whole(centres + b * classes + i);
            distance += d * d;
        }
        const Ints nearer = distance < best;
        best = nearer ? distance : best;
        chosen = nearer ? Ints{} + static_cast<int32_t>(i) : chosen;
    }
    int32_t least = best[0];
    int32_t index = chosen[0];
    for (size_t k = 1; k < lanes; ++k) {
        const int32_t here = chosen[k] + static_cast<int32_t>(k);
        const bool wins = best[k] < least || (best[k] == least && here < index);
        least = wins ? best[k] : least;
        index = wins ? here : index;
    }
    return static_cast<uint32_t>(index);
}

ONB_INLINE Ints round_counts(Floats log, int16_t *counts) {
    const float shifter = 12582912.0f; // 1.5 * 2^23: adding it rounds to the nearest whole number, half to even
    const Floats shifted = log * log_scale + shifter;
    const Ints rounded = __builtin_convertvector(shifted - shifter, Ints);
    const Shorts narrow = __builtin_convertvector(rounded, Shorts);
    __builtin_memcpy(counts, &narrow, sizeof narrow);
    return rounded;
}

int32_t take_counts(const float *log, const uint32_t *chosen, size_t bands, int16_t *counts) {
    Ints place = Ints{};
    for (size_t k = 0; k < lanes; ++k) {
        place[k] = static_cast<int32_t>(k);
    }
    const auto count = static_cast<int32_t>(bands);
    Ints sums = Ints{};
    for (size_t i = 0; i < bands || i % lane_pad != 0; i += lanes) {
        Floats picked = Floats{};
        for (size_t k = 0; k < lanes; ++k) {
            picked[k] = log[chosen[i + k]];
        }
        picked = place < count - static_cast<int32_t>(i) ? picked : Floats{};
        sums += round_counts(picked, counts + i);
    }
    int32_t sum = 0;
    for (size_t k = 0; k < lanes; ++k) {
        sum += sums[k];
    }
    return sum;
}

void add_rows(double *sums, const float *rows, size_t count, size_t n) {
    for (size_t i = 0; i < n; i += lanes) {
        Floats sum = Floats{};
        for (size_t r = 0; r < count; ++r) {
            sum += load(rows + r * n + i);
        }
        for (size_t k = 0; k < lanes; ++k) {
            sums[i + k] += static_cast<double>(sum[k]);
        }
    }
}

constexpr size_t tile_rows = 8;

#ifdef ONB_NEON
constexpr size_t tile_columns = 8;

// Four numbers of the left side from one load, each by its lane: four loads to sixteen products.
template <int lane> ONB_INLINE void outer_lane(Floats (&sums)[2], Floats left, Floats right, Floats next) {
    sums[0] = vfmaq_laneq_f32(sums[0], right, left, lane);
    sums[1] = vfmaq_laneq_f32(sums[1], next, left, lane);
}

ONB_INLINE void add_to(double *target, Floats sum) {
    vst1q_f64(target, vaddq_f64(vld1q_f64(target), vcvt_f64_f32(vget_low_f32(sum))));
    vst1q_f64(target + 2, vaddq_f64(vld1q_f64(target + 2), vcvt_high_f64_f32(sum)));
}

// scatter[i .. i+8][j .. j+8] += sum over rows of rows[.][i ..] rows[.][j ..].
ONB_INLINE void outer_tile(double *scatter, const float *rows, size_t count, size_t n, size_t i, size_t j) {
    Floats sums[tile_rows][2] = {};
    for (size_t p = 0; p < count; ++p) {
        const float *row = rows + p * n;
        const Floats right = load(row + j);
        const Floats next = load(row + j + 4);
#pragma GCC unroll 2
        for (size_t half = 0; half < tile_rows; half += 4) {
            const Floats left = load(row + i + half);
            outer_lane<0>(sums[half], left, right, next);
            outer_lane<1>(sums[half + 1], left, right, next);
            outer_lane<2>(sums[half + 2], left, right, next);
            outer_lane<3>(sums[half + 3], left, right, next);
        }
    }
    for (size_t r = 0; r < tile_rows; ++r) {
        add_to(scatter + (i + r) * n + j, sums[r][0]);
        add_to(scatter + (i + r) * n + j + 4, sums[r][1]);
    }
}
#else
constexpr size_t tile_columns = lanes;

// scatter[i .. i+8][j .. j+lanes] += sum over rows of rows[.][i ..] rows[.][j ..].
ONB_INLINE void outer_tile(double *scatter, const float *rows, size_t count, size_t n, size_t i, size_t j) {
    Floats sums[tile_rows];
    for (size_t r = 0; r < tile_rows; ++r) {
        sums[r] = Floats{};
    }
    for (size_t p = 0; p < count; ++p) {
        const float *row = rows + p * n;
        const Floats right = load(row + j);
        for (size_t r = 0; r < tile_rows; ++r) {
            sums[r] += right * row[i + r];
        }
    }
    for (size_t r = 0; r < tile_rows; ++r) {
        double *target = scatter + (i + r) * n + j;
        for (size_t k = 0; k < lanes; ++k) {
            target[k] += static_cast<double>(sums[r][k]);
        }
    }
}
#endif

void add_outer(double *scatter, const float *rows, size_t count, size_t n) {
    for (size_t i = 0; i < n; i += tile_rows) {
        const size_t first = i / tile_columns * tile_columns;
        for (size_t j = first; j < n; j += tile_columns) {
            outer_tile(scatter, rows, count, n, i, j);
        }
    }
}

ONB_INLINE Floats sigmoid_step(Floats x) {
    x = x > -80.0f ? x : splat(-80.0f); // a NaN becomes -80: never a plume
    x = x < 80.0f ? x : splat(80.0f);
    return 1.0f / (1.0f + exponential(-x));
}

void sigmoid(const float *logits, size_t n, float *out) {
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        store(out + i, sigmoid_step(load(logits + i)));
    }
    if (i < n) {
        float tail[lanes] = {};
        __builtin_memcpy(tail, logits + i, (n - i) * sizeof(float));
        const Floats result = sigmoid_step(load(tail));
        __builtin_memcpy(out + i, &result, (n - i) * sizeof(float));
    }
}

} // namespace

extern const Kernels ONB_KERNELS;
const Kernels ONB_KERNELS = {ONB_KERNELS_NAME, log_pixel, take_counts, add_counts, deviation, filter, nearest,
                              add_rows, add_outer, sigmoid};

} // namespace onb
