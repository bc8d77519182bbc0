#include "limits.hpp"
#include "check.hpp"
#include "made_bundle.hpp"

using namespace onb;

namespace {

struct Part {
    uint8_t bytes[64] = {64, 0, 0, 0, 1};
};

Part made(uint64_t expires, const char *target) {
    Part part;
    memcpy(part.bytes + 8, &expires, 8);
    memcpy(part.bytes + 16, target, strlen(target));
    return part;
}

onb_status read(const void *bytes, size_t size, Limits *limits) {
    MadeBundle bundle;
    bundle.begin(1);
    bundle.add(0, "limits.bin", bytes, size);
    bundle.end();
    Container container;
    CHECK(read_container({bundle.bytes, bundle.size}, &container, nullptr) == ONB_OK);
    return read_limits(container, limits, nullptr);
}

void test_a_bundle_without_the_part_has_no_limits() {
    MadeBundle bundle;
    bundle.begin(1);
    bundle.add(0, "plan.bin", "x", 1);
    bundle.end();
    Container container;
    Limits limits;
    CHECK(read_container({bundle.bytes, bundle.size}, &container, nullptr) == ONB_OK);
    CHECK(read_limits(container, &limits, nullptr) == ONB_OK);
    CHECK(limits.expires_unix_s == 0 && limits.target[0] == 0);
    onb_config config{};
    config.now_unix_s = UINT64_MAX;
    config.target = "x";
    CHECK(check_limits(limits, config, nullptr) == ONB_OK);
}

void test_time_and_target_decide() {
    const Part part = made(1000, "x86-64-v4");
    Limits limits;
    CHECK(read(part.bytes, sizeof part.bytes, &limits) == ONB_OK);
    onb_config config{};
    CHECK(check_limits(limits, config, nullptr) == ONB_OK); // neither time nor target is known
    config.now_unix_s = 999;
    CHECK(check_limits(limits, config, nullptr) == ONB_OK);
    config.now_unix_s = 1000;
    CHECK(check_limits(limits, config, nullptr) == ONB_BUNDLE_EXPIRED);
    config.now_unix_s = 1;
    config.target = "x86-64-v4";
    CHECK(check_limits(limits, config, nullptr) == ONB_OK);
    config.target = "x86-64-v3";
    CHECK(check_limits(limits, config, nullptr) == ONB_BUNDLE_TARGET);
    config.target = "";
    CHECK(check_limits(limits, config, nullptr) == ONB_BUNDLE_TARGET);
}

void test_malformed_parts_are_refused() {
    Limits limits;
    const Part good = made(5, "abc");
    CHECK(read(good.bytes, 63, &limits) == ONB_BUNDLE_PLAN);
    for (const size_t at : {size_t{0}, size_t{20}, size_t{47}, size_t{48}, size_t{63}}) {
        Part bad = good;
        bad.bytes[at] = 'z';
        CHECK(read(bad.bytes, 64, &limits) == ONB_BUNDLE_PLAN);
    }
    Part bad = good;
    bad.bytes[4] = 2;
    CHECK(read(bad.bytes, 64, &limits) == ONB_BUNDLE_VERSION);
    bad = made(5, "Upper");
    CHECK(read(bad.bytes, 64, &limits) == ONB_BUNDLE_PLAN);
    bad = made(5, "a-name-that-fills-all-32-places.");
    CHECK(read(bad.bytes, 64, &limits) == ONB_BUNDLE_PLAN);
}

} // namespace

int main() {
    test_a_bundle_without_the_part_has_no_limits();
    test_time_and_target_decide();
    test_malformed_parts_are_refused();
    return failures;
}
