#include "plan.hpp"
#include "check.hpp"
#include "made_bundle.hpp"

using namespace onb;

namespace {

constexpr uint32_t bands = 6;
constexpr uint32_t filter = 3;
constexpr uint32_t points = 2;

struct Parts {
    uint8_t plan[184];
    float table[2 * bands];
    float reference[bands];
    uint16_t chosen[filter];
    float curve[points * (filter + 1)];
    float noise[2 * filter];

    void whole(size_t at, uint32_t value) { memcpy(plan + at, &value, 4); }
    void real(size_t at, float value) { memcpy(plan + at, &value, 4); }
};

Parts good_parts() {
    Parts parts{};
    const uint32_t wholes[] = {184, 1, bands, filter, points, 8, 1, 1, 8, 8, 4, 2, 1, 16, 2, 3};
    memcpy(parts.plan, wholes, sizeof wholes);
    const float reals[] = {4.0f, 3.0f, 1000.0f, 5.0f, 5.0f, 5.0f, 0.5f, 0.5f};
    memcpy(parts.plan + 64, reals, sizeof reals);
    parts.whole(168, 4096);
    parts.whole(176, 3);
    for (uint32_t i = 0; i < bands; ++i) {
        parts.table[i] = 400.0f + static_cast<float>(i);
        parts.table[bands + i] = 1.0f;
        parts.reference[i] = 2.0f;
    }
    for (uint16_t k = 0; k < filter; ++k) {
        parts.chosen[k] = static_cast<uint16_t>(k + 2);
        parts.curve[points + filter + k] = -0.01f;
        parts.noise[k] = parts.noise[filter + k] = 0.1f;
    }
    parts.curve[1] = 1000.0f;
    return parts;
}

onb_status read(const Parts &parts, Plan *plan = nullptr) {
    static MadeBundle made;
    static Bundle bundle;
    onb_detail detail{};
    made.begin(9);
    made.add(0, "plan.bin", parts.plan, sizeof parts.plan);
    made.add(1, "manifest.json", "{}", 2);
    made.add(2, "stem.onnx", "s", 1);
    made.add(3, "body.onnx", "b", 1);
    made.add(4, "bands.f32", parts.table, sizeof parts.table);
    made.add(5, "reference.f32", parts.reference, sizeof parts.reference);
    made.add(6, "mf_bands.u16", parts.chosen, sizeof parts.chosen);
    made.add(7, "mf_curve.f32", parts.curve, sizeof parts.curve);
    made.add(8, "mf_noise.f32", parts.noise, sizeof parts.noise);
    made.end();
    const onb_status status = read_bundle({made.bytes, made.size}, &bundle, &detail);
    CHECK(status == ONB_OK || (detail.problem[0] != '\0' && detail.expected[0] != '\0'));
    if (plan != nullptr) {
        *plan = bundle.plan;
    }
    return status;
}

void test_values_are_read() {
    Plan plan{};
    CHECK(read(good_parts(), &plan) == ONB_OK);
    CHECK(plan.bands == bands && plan.mf_bands == filter && plan.channels() == 6 && plan.outputs() == 2);
    CHECK(plan.first_lines() == 6 && plan.inference_bytes == 4096 && plan.products == 3);
    CHECK(plan.alpha_scale == 1000.0f && plan.event_min_pixels == 3);
}

// Every word of the plan is set to values that no file should hold; none may crash or divide by zero.
void test_wild_words() {
    const uint32_t wild[] = {0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7F800000, 0x7FC00000};
    for (size_t at = 0; at < 184; at += 4) {
        for (uint32_t value : wild) {
            Parts parts = good_parts();
            parts.whole(at, value);
            (void)read(parts);
        }
    }
}

void test_wild_tables() {
    const float wild[] = {0.0f, -1.0f, NAN, INFINITY};
    for (float value : wild) {
        Parts parts = good_parts();
        parts.reference[1] = value;
        CHECK(read(parts) == ONB_BUNDLE_PLAN);
        parts = good_parts();
        parts.curve[1] = value;
        CHECK(read(parts) == ONB_BUNDLE_PLAN);
    }
    Parts parts = good_parts();
    parts.chosen[2] = bands;
    CHECK(read(parts) == ONB_BUNDLE_PLAN);
    parts = good_parts();
    parts.chosen[1] = parts.chosen[0];
    CHECK(read(parts) == ONB_BUNDLE_PLAN);
    parts = good_parts();
    memset(parts.curve + points, 0, sizeof(float) * points * filter);
    CHECK(read(parts) == ONB_BUNDLE_PLAN);
}

} // namespace

int main() {
    test_values_are_read();
    test_wild_words();
    test_wild_tables();
    return failures;
}
