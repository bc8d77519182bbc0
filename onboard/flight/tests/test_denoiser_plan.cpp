#include "denoiser_plan.hpp"
#include "check.hpp"
#include "made_bundle.hpp"

using namespace onb;

namespace {

struct Part {
    uint8_t bytes[64];

    Part() : bytes{} {
        const uint32_t words[] = {64, 1, 8, 48, 4096};
        memcpy(bytes, words, sizeof words);
    }
    void set(size_t at, uint32_t value) { memcpy(bytes + at, &value, 4); }
};

onb_status read(const Part *part, size_t size, const char *graph, DenoiserPlan *plan) {
    MadeBundle bundle;
    bundle.begin(1 + (part != nullptr ? 1u : 0u) + (graph != nullptr ? 1u : 0u));
    uint32_t index = 0;
    bundle.add(index++, "manifest.json", "{}", 2);
    if (part != nullptr) {
        bundle.add(index++, "denoiser.bin", part->bytes, size);
    }
    if (graph != nullptr) {
        bundle.add(index++, "denoiser.onnx", graph, strlen(graph));
    }
    bundle.end();
    Container container;
    Bytes found;
    onb_detail detail{};
    CHECK(read_container({bundle.bytes, bundle.size}, &container, nullptr) == ONB_OK);
    const onb_status status = read_denoiser(container, 8, plan, &found, &detail);
    CHECK(status == ONB_OK || (detail.problem[0] != '\0' && detail.expected[0] != '\0'));
    CHECK(status != ONB_OK || (found.data != nullptr) == (graph != nullptr));
    return status;
}

void test_the_parts_come_together() {
    DenoiserPlan plan;
    const Part part;
    CHECK(read(nullptr, 0, nullptr, &plan) == ONB_OK && !plan.present());
    CHECK(read(&part, 64, "graph", &plan) == ONB_OK && plan.present());
    CHECK(plan.samples == 48 && plan.inference_bytes == 4096);
    CHECK(read(&part, 64, nullptr, &plan) == ONB_BUNDLE_MALFORMED);
    CHECK(read(nullptr, 0, "graph", &plan) == ONB_BUNDLE_MALFORMED);
}

void test_values_that_cannot_be_flown_are_refused() {
    DenoiserPlan plan;
    const Part good;
    CHECK(read(&good, 63, "graph", &plan) == ONB_BUNDLE_PLAN);
    const struct {
        size_t at;
        uint32_t value;
        onb_status status;
    } cases[] = {
        {0, 63, ONB_BUNDLE_PLAN},     {4, 2, ONB_BUNDLE_VERSION}, {8, 7, ONB_BUNDLE_PLAN},
        {12, 0, ONB_BUNDLE_PLAN},     {12, 65537, ONB_BUNDLE_PLAN}, {20, 1u << 9, ONB_BUNDLE_PLAN},
        {24, 1, ONB_BUNDLE_PLAN},     {60, 1u << 31, ONB_BUNDLE_PLAN},
    };
    for (const auto &item : cases) {
        Part bad;
        bad.set(item.at, item.value);
        CHECK(read(&bad, 64, "graph", &plan) == item.status);
        CHECK(!plan.present());
    }
}

} // namespace

int main() {
    test_the_parts_come_together();
    test_values_that_cannot_be_flown_are_refused();
    return failures;
}
