#include "block_heap.hpp"
#include "check.hpp"

#include <cstring>

using namespace onb;

namespace {

constexpr size_t block_size = 64 * 1024;
alignas(64) uint8_t block[block_size];

struct Held {
    uint8_t *payload;
    size_t size;
    uint8_t mark;
};

bool inside(const void *p) { return p >= block && p < block + block_size; }

// A random walk of takes and gives; nobody's bytes may change while he holds them.
void walk(BlockHeap *heap, uint64_t seed) {
    Random random(seed);
    Held held[24] = {};
    for (int step = 0; step < 4000; ++step) {
        Held &one = held[random.bits() % 24];
        if (one.payload == nullptr) {
            one.size = random.bits() % 5000;
            one.mark = static_cast<uint8_t>(random.bits());
            one.payload = static_cast<uint8_t *>(heap->take(one.size));
            CHECK(one.payload != nullptr);
            CHECK(reinterpret_cast<uintptr_t>(one.payload) % 64 == 0);
            memset(one.payload, one.mark, one.size);
            continue;
        }
        bool kept = true;
        for (size_t i = 0; i < one.size; ++i) {
            kept = kept && one.payload[i] == one.mark;
        }
        CHECK(kept);
        heap->give(one.payload);
        one.payload = nullptr;
    }
    for (Held &one : held) {
        heap->give(one.payload);
    }
}

void test_everything_joins_again() {
    BlockHeap heap;
    heap.init(block, block_size);
    walk(&heap, 1);
    const uint64_t before = heap.overflows();
    void *all = heap.take(block_size - 64);
    CHECK(inside(all));
    CHECK(heap.overflows() == before);
    CHECK(heap.high_water() == block_size);
    heap.give(all);
}

void test_what_does_not_fit_is_counted() {
    BlockHeap heap;
    heap.init(block, block_size);
    void *big = heap.take(block_size + 1);
    CHECK(big != nullptr && !inside(big));
    CHECK(heap.overflows() == 1 && heap.overflow_bytes() == block_size + 1);
    heap.give(big);
    heap.give(nullptr);
    BlockHeap none;
    none.init(block, 64);
    void *small = none.take(1);
    CHECK(small != nullptr && !inside(small));
    none.give(small);
}

void test_sealed_blocks_are_watched() {
    BlockHeap heap;
    heap.init(block, block_size);
    auto *weights = static_cast<uint8_t *>(heap.take(1000));
    memset(weights, 7, 1000);
    heap.seal();
    auto *scratch = static_cast<uint8_t *>(heap.take(1000));
    memset(scratch, 9, 1000);
    CHECK(heap.intact());
    weights[500] ^= 1;
    CHECK(!heap.intact());
    weights[500] ^= 1;
    CHECK(heap.intact());
    heap.give(scratch);
    CHECK(heap.intact());
}

// A header's size and place in the list are a bit away from anywhere: found, and never followed.
void test_headers_that_changed_are_not_followed() {
    BlockHeap heap;
    heap.init(block, block_size);
    auto *weights = static_cast<uint8_t *>(heap.take(1000));
    memset(weights, 7, 1000);
    CHECK(heap.take(128) != nullptr);
    heap.seal();
    uint8_t *const header = weights - 64;
    for (size_t bit = 0; bit < 2 * 64; ++bit) { // size and next
        header[bit / 8] = static_cast<uint8_t>(header[bit / 8] ^ (1u << (bit % 8)));
        CHECK(!heap.intact());
        header[bit / 8] = static_cast<uint8_t>(header[bit / 8] ^ (1u << (bit % 8)));
        CHECK(heap.intact());
    }
}

} // namespace

int main() {
    test_everything_joins_again();
    test_what_does_not_fit_is_counted();
    test_sealed_blocks_are_watched();
    test_headers_that_changed_are_not_followed();
    return failures;
}
