#include "arena.hpp"
#include "check.hpp"

using namespace onb;

int main() {
    alignas(64) static uint8_t block[1024];
    Arena measuring;
    Arena arena(block, sizeof block);
    for (uint64_t count : {1u, 3u, 16u, 17u, 0u}) {
        CHECK(measuring.take<float>(count) == nullptr);
        const float *taken = arena.take<float>(count);
        CHECK(taken != nullptr);
        CHECK(reinterpret_cast<uintptr_t>(taken) % 64 == 0);
        CHECK(measuring.used() == arena.used());
    }
    CHECK(arena.used() == 64 + 64 + 64 + 128);
    CHECK(arena.take<uint8_t>(1024) == nullptr); // full, and still counted
    CHECK(arena.used() == 320 + 1024);
    CHECK(!arena.overflow());
    CHECK(measuring.take<double>(UINT64_MAX / 4) == nullptr);
    CHECK(measuring.overflow());
    Arena huge;
    (void)huge.take<uint8_t>(UINT64_C(1) << 47);
    (void)huge.take<uint8_t>(UINT64_C(1) << 47);
    CHECK(!huge.overflow());
    (void)huge.take<uint8_t>(1);
    CHECK(huge.overflow());
    return failures;
}
