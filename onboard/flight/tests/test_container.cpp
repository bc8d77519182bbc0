#include "container.hpp"
#include "check.hpp"
#include "made_bundle.hpp"

#include <cstdlib>

using namespace onb;

namespace {

MadeBundle made() {
    MadeBundle bundle;
    uint8_t part[200];
    for (size_t i = 0; i < sizeof part; ++i) {
        part[i] = static_cast<uint8_t>(i);
    }
    bundle.begin(3);
    bundle.add(0, "a.bin", part, 1);
    bundle.add(1, "b.bin", part, 64);
    bundle.add(2, "c.bin", part, 200);
    bundle.end();
    return bundle;
}

// Reads out of a block of exactly that size, so that the sanitizer sees one byte too far.
onb_status read(const uint8_t *bytes, size_t size) {
    auto *exact = static_cast<uint8_t *>(malloc(size == 0 ? 1 : size));
    memcpy(exact, bytes, size);
    Container container;
    onb_detail detail{};
    const onb_status status = read_container({exact, size}, &container, &detail);
    CHECK(status == ONB_OK || detail.problem[0] != '\0');
    free(exact);
    return status;
}

void test_parts_are_found() {
    const MadeBundle bundle = made();
    Container container;
    CHECK(read_container({bundle.bytes, bundle.size}, &container, nullptr) == ONB_OK);
    CHECK(container.part_count == 3 && container.sequence == 5 && !container.is_signed);
    CHECK(container.find("b.bin").size == 64);
    CHECK(container.find("c.bin").data[199] == 199);
    CHECK(container.find("d.bin").data == nullptr);
    onb_config config{};
    CHECK(check_trust(container, config, nullptr, nullptr) == ONB_BUNDLE_UNSIGNED);
}

void test_every_truncation_is_refused() {
    const MadeBundle bundle = made();
    for (size_t size = 0; size < bundle.size; ++size) {
        CHECK(read(bundle.bytes, size) != ONB_OK);
    }
}

// No byte before the trailer's free fields can change unseen, except the sequence, which is signed only.
void test_every_flip_is_seen() {
    const MadeBundle bundle = made();
    for (size_t at = 0; at < bundle.size; ++at) {
        MadeBundle flipped = bundle;
        flipped.bytes[at] ^= 0x80;
        const bool is_sequence = at >= 24 && at < 32;
        const onb_status status = read(flipped.bytes, flipped.size);
        CHECK(is_sequence ? status == ONB_OK : status != ONB_OK);
    }
}

void test_random_damage_never_crashes() {
    Random random(9);
    for (int round = 0; round < 20000; ++round) {
        MadeBundle bundle = made();
        const uint32_t changes = 1 + random.bits() % 4;
        for (uint32_t i = 0; i < changes; ++i) {
            const size_t at = random.bits() % (64 + 3 * 128);
            bundle.put_u64(at / 8 * 8, random.bits() % 3 == 0 ? UINT64_MAX : random.bits() % 1024);
        }
        (void)read(bundle.bytes, bundle.size);
    }
}

} // namespace

int main() {
    test_parts_are_found();
    test_every_truncation_is_refused();
    test_every_flip_is_seen();
    test_random_damage_never_crashes();
    return failures;
}
