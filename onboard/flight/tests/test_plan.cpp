#include "plan.hpp"
#include "check.hpp"
#include "made_parts.hpp"

using namespace onb;

namespace {

onb_status read(const Parts &parts, Plan *plan = nullptr, const Classes *classes = nullptr) {
    static MadeBundle made;
    static Bundle bundle;
    onb_detail detail{};
    assemble(parts, &made, classes);
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

void test_classes_of_ground_are_read_with_the_plan() {
    Plan plan{};
    CHECK(read(good_parts(), &plan) == ONB_OK && plan.ground_classes == 0 && plan.class_bands == 0);
    Classes classes;
    CHECK(read(good_parts(), &plan, &classes) == ONB_OK);
    CHECK(plan.ground_classes == Classes::classes && plan.class_bands == Classes::class_bands);
    classes.whole(16, bands);
    CHECK(read(good_parts(), &plan, &classes) == ONB_BUNDLE_PLAN);
}

} // namespace

int main() {
    test_values_are_read();
    test_wild_words();
    test_wild_tables();
    test_classes_of_ground_are_read_with_the_plan();
    return failures;
}
