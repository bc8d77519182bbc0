#include "inflate.hpp"
#include "check.hpp"

#include <cstdlib>
#include <cstring>

using namespace onb;

namespace {

constexpr size_t plain_size = 200000; // several windows of 32 KiB

struct Packed {
    uint8_t plain[plain_size];
    uint8_t bytes[plain_size + 4096];
    uLongf size;
};

void pack(Packed *packed) {
    Random random(2);
    for (size_t i = 0; i < plain_size; ++i) {
        packed->plain[i] = static_cast<uint8_t>(i % 1000 < 500 ? random.bits() : i / 7);
    }
    packed->size = sizeof packed->bytes;
    CHECK(compress2(packed->bytes, &packed->size, packed->plain, plain_size, 9) == Z_OK);
}

// A heap of exactly its size, so that the sanitizer sees what goes beyond it.
struct Heap {
    void *block = nullptr;
    Heap() {
        if (posix_memalign(&block, 64, Inflater::heap_size) != 0) {
            abort();
        }
    }
    ~Heap() { free(block); }
    Heap(const Heap &) = delete;
    Heap &operator=(const Heap &) = delete;
    uint8_t *bytes() { return static_cast<uint8_t *>(block); }
};

void test_pieces_of_any_size_come_out(const Packed &packed) {
    for (const size_t piece : {size_t{1}, size_t{777}, size_t{65536}, plain_size}) {
        Heap heap;
        Inflater inflater;
        CHECK(inflater.start(packed.bytes, packed.size, heap.bytes()));
        static uint8_t out[plain_size];
        size_t done = 0;
        while (done < plain_size) {
            const size_t count = plain_size - done < piece ? plain_size - done : piece;
            CHECK(inflater.read(out + done, count));
            done += count;
        }
        CHECK(memcmp(out, packed.plain, plain_size) == 0);
        CHECK(inflater.produced() == plain_size && inflater.finished());
        CHECK(!inflater.read(out, 1));
    }
}

void test_the_end_must_be_the_end(const Packed &packed) {
    static uint8_t out[plain_size];
    Heap heap;
    Inflater unfinished;
    CHECK(unfinished.start(packed.bytes, packed.size, heap.bytes()));
    CHECK(unfinished.read(out, plain_size - 1) && !unfinished.finished());
    Heap other;
    Inflater longer; // bytes behind the stream
    CHECK(longer.start(packed.bytes, packed.size + 1, other.bytes()));
    CHECK(longer.read(out, plain_size) && !longer.finished());
}

void test_damage_and_cuts_are_seen(Packed *packed) {
    static uint8_t out[plain_size];
    for (size_t i = 0; i < 60; ++i) {
        const size_t at = i * packed->size / 60;
        packed->bytes[at] ^= 0x10;
        Heap heap;
        Inflater inflater;
        const bool read = inflater.start(packed->bytes, packed->size, heap.bytes()) && inflater.read(out, plain_size);
        // (Adler-32 is weak and overlooks some changes of poorer data than this; hash and signature do not.)
        CHECK(!read || !inflater.finished() || memcmp(out, packed->plain, plain_size) == 0);
        packed->bytes[at] ^= 0x10;
        Heap short_heap;
        Inflater cut;
        const bool whole = cut.start(packed->bytes, at, short_heap.bytes()) && cut.read(out, plain_size);
        CHECK(!whole || !cut.finished());
    }
}

} // namespace

int main() {
    static Packed packed;
    pack(&packed);
    test_pieces_of_any_size_come_out(packed);
    test_the_end_must_be_the_end(packed);
    test_damage_and_cuts_are_seen(&packed);
    return failures;
}
