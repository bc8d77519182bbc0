#include "kernels.hpp"
#include "check.hpp"

#include <cstring>
#include <limits>

namespace onb {
extern const Kernels kernels_baseline;
#ifdef ONB_X86_LEVELS
extern const Kernels kernels_v3;
extern const Kernels kernels_v4;
#endif
#ifdef ONB_ARM_LEVELS
extern const Kernels kernels_neon;
#endif
} // namespace onb

using namespace onb;

namespace {

constexpr size_t most = 300;

void test_log(const Kernels &k) {
    float radiance[most];
    float inverse[most];
    float out[most];
    Random random(2);
    double worst = 0.0;
    for (int round = 0; round < 200; ++round) {
        const size_t n = 1 + random.bits() % most;
        for (size_t i = 0; i < n; ++i) {
            radiance[i] = static_cast<float>(std::exp(random.uniform(-6.0, 5.0)));
            inverse[i] = static_cast<float>(std::exp(random.uniform(-0.5, 0.5)));
        }
        (void)k.log_pixel(radiance, inverse, n, out);
        for (size_t i = 0; i < n; ++i) {
            const double ratio = static_cast<double>(radiance[i] * inverse[i]);
            const double expected = std::fmin(std::fmax(std::log(ratio), -4.0), 3.0);
            worst = std::fmax(worst, std::fabs(static_cast<double>(out[i]) - expected));
        }
    }
    CHECK(worst < 2e-6);
}

uint32_t log_with(const Kernels &k, size_t n, size_t at, float value, float *result) {
    float radiance[most];
    float inverse[most];
    float out[most];
    for (size_t i = 0; i < n; ++i) {
        radiance[i] = inverse[i] = 1.0f;
    }
    radiance[at] = value;
    const uint32_t seen = k.log_pixel(radiance, inverse, n, out);
    *result = out[at];
    return seen;
}

void test_flags(const Kernels &k) {
    const float infinity = std::numeric_limits<float>::infinity();
    const float bad[] = {-9999.0f, -9990.0f, -9000.0f, infinity, -infinity, NAN};
    for (size_t n : {1u, 16u, 17u, 285u}) {
        for (size_t at : {size_t{0}, n / 2, n - 1}) {
            float result = 0.0f;
            for (float value : bad) {
                CHECK((log_with(k, n, at, value, &result) & pixel_bad) != 0);
                CHECK(result >= -4.0001f && result <= 3.0001f);
            }
            CHECK(log_with(k, n, at, 1.0f, &result) == 0 && std::fabs(result) < 2e-6f);
            CHECK(log_with(k, n, at, 0.0f, &result) == 0 && std::fabs(result + 4.0f) < 2e-6f);
            CHECK(log_with(k, n, at, -3.0f, &result) == 0 && std::fabs(result + 4.0f) < 2e-6f);
            CHECK(log_with(k, n, at, 1e-42f, &result) == 0 && std::fabs(result + 4.0f) < 2e-6f);
            CHECK(log_with(k, n, at, 1e30f, &result) == pixel_saturated && std::fabs(result - 3.0f) < 2e-6f);
        }
    }
}

void test_counts(const Kernels &k) {
    constexpr size_t n = 64;
    Random random(3);
    int16_t counts[n];
    int32_t sums[n];
    float mean[n];
    float weights[n];
    float out[n];
    double linear = 0.0;
    for (size_t i = 0; i < n; ++i) {
        counts[i] = static_cast<int16_t>(random.bits() % 28672 - 16384);
        sums[i] = static_cast<int32_t>(i);
        mean[i] = static_cast<float>(random.uniform(-1.0, 1.0));
        weights[i] = static_cast<float>(random.uniform(-1.0, 1.0));
        linear += (counts[i] / 4096.0 - static_cast<double>(mean[i])) * static_cast<double>(weights[i]);
    }
    k.add_counts(sums, counts, n);
    k.deviation(counts, mean, n, out);
    for (size_t i = 0; i < n; ++i) {
        CHECK(sums[i] == static_cast<int32_t>(i) + counts[i]);
        CHECK(std::fabs(static_cast<double>(out[i]) - (counts[i] / 4096.0 - static_cast<double>(mean[i]))) < 1e-6);
    }
    CHECK(std::fabs(static_cast<double>(k.filter(counts, mean, weights, n)) - linear) < 1e-4);
}

// As lrintf rounds, ties included; what pads is 0.
void test_take_counts(const Kernels &k, size_t bands) {
    Random random(11);
    float log[64];
    uint32_t chosen[64];
    int16_t counts[64];
    for (size_t i = 0; i < 64; ++i) {
        const double value = random.uniform(-4.0, 3.0);
        log[i] = i % 3 == 0 ? static_cast<float>((std::floor(value * 4096.0) + 0.5) / 4096.0) : static_cast<float>(value);
        chosen[i] = random.bits() % 64;
        counts[i] = 77;
    }
    log[0] = -4.0f;
    log[1] = 3.0f;
    int32_t sum = 0;
    const int32_t found = k.take_counts(log, chosen, bands, counts);
    const size_t padded = (bands + lane_pad - 1) / lane_pad * lane_pad;
    for (size_t i = 0; i < 64; ++i) {
        const auto expected = static_cast<int16_t>(std::lrintf(log[chosen[i]] * 4096.0f));
        CHECK(counts[i] == (i < bands ? expected : i < padded ? 0 : 77));
        sum += i < bands ? expected : 0;
    }
    CHECK(found == sum);
}

// Ties go to the lower class: the second half of the centres repeats the first.
void test_nearest(const Kernels &k, size_t bands) {
    constexpr size_t classes = 32;
    Random random(6);
    int32_t centres[16 * classes];
    int32_t x[16];
    for (size_t i = 0; i < bands * classes; ++i) {
        centres[i] = i % classes < classes / 2 ? static_cast<int32_t>(random.bits() % 7169) - 4096
                                               : centres[i - classes / 2];
    }
    for (int round = 0; round < 200; ++round) {
        int64_t least = INT64_MAX;
        uint32_t expected = 0;
        for (size_t b = 0; b < bands; ++b) {
            const uint32_t draw = random.bits();
            x[b] = draw % 3 == 0 ? (draw % 2 == 0 ? -4096 : 3072) : static_cast<int32_t>(draw % 7169) - 4096;
        }
        for (uint32_t c = 0; c < classes; ++c) {
            int64_t distance = 0;
            for (size_t b = 0; b < bands; ++b) {
                const int64_t d = x[b] - centres[b * classes + c];
                distance += d * d;
            }
            expected = distance < least ? c : expected;
            least = distance < least ? distance : least;
        }
        CHECK(k.nearest(x, bands, centres, classes) == expected);
    }
}

// The largest distance there is fits.
void test_nearest_of_the_farthest(const Kernels &k) {
    int32_t centres[16 * 16];
    int32_t x[16];
    for (size_t i = 0; i < 256; ++i) {
        centres[i] = i == 5 ? 3071 : 3072;
        x[i / 16] = -4096;
    }
    CHECK(k.nearest(x, 16, centres, 16) == 5);
}

void test_rows(const Kernels &k) {
    float rows[3 * 32];
    double sums[32];
    for (int i = 0; i < 96; ++i) {
        rows[i] = static_cast<float>(i);
        sums[i % 32] = 0.5;
    }
    k.add_rows(sums, rows, 0, 32);
    k.add_rows(sums, rows, 3, 32);
    for (int i = 0; i < 32; ++i) {
        CHECK(std::fabs(sums[i] - (0.5 + 3.0 * i + 96.0)) < 1e-9);
    }
}

void test_outer(const Kernels &k) {
    constexpr size_t n = 48;
    static float rows[37 * n];
    static double scatter[n * n];
    Random random(4);
    for (float &value : rows) {
        value = static_cast<float>(random.uniform(-1.0, 1.0));
    }
    for (double &value : scatter) {
        value = 1.0;
    }
    k.add_outer(scatter, rows, 37, n);
    k.add_outer(scatter, rows, 0, n);
    for (size_t i = 0; i < n; ++i) {
        for (size_t j = i; j < n; ++j) {
            double sum = 1.0;
            for (size_t p = 0; p < 37; ++p) {
                sum += static_cast<double>(rows[p * n + i]) * static_cast<double>(rows[p * n + j]);
            }
            CHECK(std::fabs(scatter[i * n + j] - sum) < 1e-5);
        }
    }
}

void test_sigmoid(const Kernels &k) {
    float logits[103];
    float out[103];
    for (int i = 0; i < 103; ++i) {
        logits[i] = 0.5f * static_cast<float>(i - 51);
    }
    k.sigmoid(logits, 103, out);
    for (int i = 0; i < 103; ++i) {
        const double expected = 1.0 / (1.0 + std::exp(-static_cast<double>(logits[i])));
        CHECK(std::fabs(static_cast<double>(out[i]) - expected) < 1e-6);
    }
    const float extreme[] = {-1e30f, 1e30f, NAN, -INFINITY, INFINITY};
    k.sigmoid(extreme, 5, out);
    CHECK(out[0] < 1e-30f && out[1] > 0.999999f && out[2] < 1e-30f && out[3] < 1e-30f && out[4] > 0.999999f);
}

void test_all(const Kernels &k) {
    (void)fprintf(stderr, "kernels %s\n", k.name);
    test_log(k);
    test_flags(k);
    test_counts(k);
    test_outer(k);
    for (const size_t bands : {size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{63}, size_t{64}}) {
        test_take_counts(k, bands);
    }
    test_nearest(k, 1);
    test_nearest(k, 8);
    test_nearest(k, 16);
    test_nearest_of_the_farthest(k);
    test_rows(k);
    test_sigmoid(k);
}

} // namespace

int main() {
    test_all(kernels_baseline);
#ifdef ONB_X86_LEVELS
    const char *best = kernels().name;
    if (strcmp(best, "baseline") != 0) {
        test_all(kernels_v3);
    }
    if (strcmp(best, "v4") == 0) {
        test_all(kernels_v4);
    }
#endif
#ifdef ONB_ARM_LEVELS
    CHECK(&kernels() == &kernels_neon); // no 64-bit ARM that runs Linux is without
    test_all(kernels_neon);
#endif
    return failures;
}
