#include "class_plan.hpp"
#include "check.hpp"
#include "made_parts.hpp"

using namespace onb;

namespace {

onb_status read(const void *part, size_t size, ClassPlan *plan, const char *field = "", uint32_t plan_bands = bands) {
    static MadeBundle bundle;
    bundle.begin(part != nullptr ? 2 : 1);
    bundle.add(0, "manifest.json", "{}", 2);
    if (part != nullptr) {
        bundle.add(1, "classes.bin", part, size);
    }
    bundle.end();
    Container container;
    onb_detail detail{};
    CHECK(read_container({bundle.bytes, bundle.size}, &container, nullptr) == ONB_OK);
    const onb_status status = read_classes(container, plan_bands, plan, &detail);
    CHECK(status == ONB_OK || (detail.problem[0] != '\0' && detail.expected[0] != '\0'));
    CHECK(strcmp(detail.field, field) == 0);
    CHECK(status == ONB_OK || !plan->present());
    return status;
}

void test_the_part_is_optional() {
    ClassPlan plan{};
    CHECK(read(nullptr, 0, &plan) == ONB_OK && !plan.present() && plan.bands == 0);
}

void test_values_are_read() {
    ClassPlan plan{};
    const Classes classes;
    CHECK(read(classes.part, Classes::size, &plan) == ONB_OK && plan.present());
    CHECK(plan.classes == 3 && plan.bands == 3);
    CHECK(read_u32(plan.band_index) == 4 && read_u32(plan.band_index + 8) == 5);
    CHECK(read_i16(plan.centres) == -4096 && read_i16(plan.centres + 4) == 100);
    CHECK(read_i16(plan.centres + 14) == 3072 && read_i16(plan.centres + 16) == -4096);
}

void test_lengths_are_exact() {
    ClassPlan plan{};
    const Classes classes;
    const char *const length = "classes.bin: length";
    for (size_t size = 1; size < Classes::size; ++size) {
        CHECK(read(classes.part, size, &plan, length) == ONB_BUNDLE_PLAN);
    }
    uint8_t longer[Classes::size + 4] = {};
    memcpy(longer, classes.part, Classes::size);
    CHECK(read(longer, sizeof longer, &plan, length) == ONB_BUNDLE_PLAN);
    CHECK(read(longer, Classes::size + 1, &plan, length) == ONB_BUNDLE_PLAN);
}

void test_the_largest_codebook() {
    struct {
        uint32_t head[2 + max_class_bands];
        int16_t centres[max_classes * max_class_bands];
    } part{};
    part.head[0] = max_classes;
    part.head[1] = max_class_bands;
    for (uint32_t b = 0; b < max_class_bands; ++b) {
        part.head[2 + b] = b;
    }
    ClassPlan plan{};
    CHECK(read(&part, sizeof part, &plan, "classes.bin: band_index") == ONB_BUNDLE_PLAN); // 6 bands in the plan
    CHECK(read(&part, sizeof part, &plan, "", max_class_bands) == ONB_OK && plan.classes == max_classes);
    const uint32_t wild[] = {0, max_classes + 1, 0x80000000, 0xFFFFFFFF};
    for (uint32_t value : wild) {
        part.head[0] = value;
        CHECK(read(&part, sizeof part, &plan, "classes.bin: classes") == ONB_BUNDLE_PLAN);
    }
    part.head[0] = max_classes;
    const uint32_t wild_bands[] = {0, max_class_bands + 1, 0x40000000, 0xFFFFFFFF};
    for (uint32_t value : wild_bands) {
        part.head[1] = value;
        CHECK(read(&part, sizeof part, &plan, "classes.bin: bands") == ONB_BUNDLE_PLAN);
    }
}

void test_values_that_cannot_be_flown_are_refused() {
    ClassPlan plan{};
    for (uint32_t band : {bands, 4u, 0xFFFFFFFFu}) { // outside; twice; far outside
        Classes bad;
        bad.whole(12, band);
        CHECK(read(bad.part, Classes::size, &plan, "classes.bin: band_index") == ONB_BUNDLE_PLAN);
    }
    for (int centre : {-4097, 3073, -32768, 32767}) {
        for (size_t index : {size_t{0}, size_t{8}}) {
            Classes bad;
            bad.centre(index, static_cast<int16_t>(centre));
            CHECK(read(bad.part, Classes::size, &plan, "classes.bin: centres") == ONB_BUNDLE_PLAN);
        }
    }
    for (size_t at = Classes::size - 2; at < Classes::size; ++at) {
        Classes bad;
        bad.part[at] = 1;
        CHECK(read(bad.part, Classes::size, &plan, "classes.bin: padding") == ONB_BUNDLE_PLAN);
    }
}

} // namespace

int main() {
    test_the_part_is_optional();
    test_values_are_read();
    test_lengths_are_exact();
    test_the_largest_codebook();
    test_values_that_cannot_be_flown_are_refused();
    return failures;
}
