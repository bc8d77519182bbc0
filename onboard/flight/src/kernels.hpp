// The inner loops, built once for each instruction set and chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onb {

// Rows of filter bands are padded with zeros to a multiple of this.
constexpr size_t lane_pad = 16;
// Counts per unit of log radiance in the ring.
constexpr float log_scale = 4096.0f;
// Counts per unit of log radiance of the classes of ground.
constexpr float class_scale = 1024.0f;
// The ring holds log radiance between these.
constexpr float log_floor = -4.0f;
constexpr float log_ceiling = 3.0f;
// Radiance at or below this is a flag, not light.
constexpr float flag_ceiling = -9000.0f;

// What a pixel showed while its logarithm was taken.
constexpr uint32_t pixel_bad = 1;       // a flag or non-finite value in it
constexpr uint32_t pixel_saturated = 2; // a band at the upper clamp

struct Kernels {
    const char *name;
    // out[i] = ln(clamp(radiance[i] * inverse_reference[i], e^-4, e^3)); a bad value gives -4.
    // Absolute error below 2e-6. Returns pixel_* bits. Radiance may be unaligned.
    uint32_t (*log_pixel)(const float *radiance, const float *inverse_reference, size_t bands, float *out);
    // counts[i] = log[chosen[i]] * 4096 rounded half to even, for i < bands, and 0 up to the next multiple of
    // lane_pad, to which chosen is padded with any index; returns their sum. Magnitudes of log are below 8.
    int32_t (*take_counts)(const float *log, const uint32_t *chosen, size_t bands, int16_t *counts);
    // sums[i] += counts[i]; n is a multiple of lane_pad.
    void (*add_counts)(int32_t *sums, const int16_t *counts, size_t n);
    // out[i] = counts[i] / 4096 - mean[i]; n is a multiple of lane_pad.
    void (*deviation)(const int16_t *counts, const float *mean, size_t n, float *out);
    // Sum of (counts[i] / 4096 - mean[i]) * weights[i]; n is a multiple of lane_pad.
    float (*filter)(const int16_t *counts, const float *mean, const float *weights, size_t n);
    // Index of the centre at the least squared distance from x[bands], the first where several are as near.
    // centres is [bands][classes], classes a multiple of lane_pad; every squared distance is below 2^31.
    uint32_t (*nearest)(const int32_t *x, size_t bands, const int32_t *centres, size_t classes);
    // Sum of rows[count][n] into sums[n]; n is a multiple of lane_pad.
    void (*add_rows)(double *sums, const float *rows, size_t count, size_t n);
    // Upper triangle (by tiles) of scatter[n][n] += rows^T rows; rows is [count][n], n as above.
    void (*add_outer)(double *scatter, const float *rows, size_t count, size_t n);
    // out[i] = 1 / (1 + exp(-logits[i])).
    void (*sigmoid)(const float *logits, size_t n, float *out);
};

// The best kernels that this machine can run.
const Kernels &kernels();

} // namespace onb
