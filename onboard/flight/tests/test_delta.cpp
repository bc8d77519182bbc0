#include "delta.hpp"
#include "check.hpp"
#include "inflate.hpp"
#include "made_parts.hpp"

#include <cstdlib>
#include <sodium.h>
#include <zlib.h>

using namespace onb;

namespace {

// A delta put together by hand: operations and their data, packed, headed, signed.
struct MadeDelta {
    uint8_t stream[32768];
    size_t stream_size;
    uint32_t operations;
    uint32_t factor_bytes;
    uint8_t bytes[33000];
    size_t size;

    void put(const void *data, size_t length) {
        memcpy(stream + stream_size, data, length);
        stream_size += length;
    }
    void operation(uint32_t kind, uint32_t rank, uint64_t old_offset, uint64_t rows, uint64_t columns) {
        put(&kind, 4);
        put(&rank, 4);
        put(&old_offset, 8);
        put(&rows, 8);
        put(&columns, 8);
        ++operations;
    }
    void head(size_t at, uint64_t value, size_t width) { memcpy(bytes + at, &value, width); }
    void seal(const uint8_t *old_bundle, size_t old_size, const uint8_t *new_bundle, size_t new_size);
    void sign();
};

struct Keys {
    uint8_t open[32];
    uint8_t secret[64];
};

Keys make_keys() {
    Keys keys;
    const uint8_t seed[32] = {9, 9, 9};
    (void)crypto_sign_seed_keypair(keys.open, keys.secret, seed);
    return keys;
}

const Keys keys = make_keys();

void MadeDelta::sign() {
    uint8_t text[17 + 32];
    memcpy(text, "onboard-delta-v1", 17);
    memcpy(text + 17, sha256(bytes, size - 128).bytes, 32);
    uint8_t *trailer = bytes + size - 128;
    memcpy(trailer + 8, sha256(keys.open, 32).bytes, 32);
    (void)crypto_sign_detached(trailer + 40, nullptr, text, sizeof text, keys.secret);
}

void MadeDelta::seal(const uint8_t *old_bundle, size_t old_size, const uint8_t *new_bundle, size_t new_size) {
    memset(bytes, 0, 192);
    uLongf packed = sizeof bytes - 192 - 128;
    CHECK(compress(bytes + 192, &packed, stream, static_cast<uLong>(stream_size)) == Z_OK);
    size = 192 + packed + 128;
    memcpy(bytes, "ONBDELTA", 8);
    head(8, 1, 4);
    head(12, 192, 4);
    head(16, size, 8);
    head(24, 6, 8);
    head(32, old_size, 8);
    head(40, new_size, 8);
    head(48, stream_size, 8);
    head(56, packed, 8);
    head(64, operations, 4);
    head(68, factor_bytes, 4);
    memcpy(bytes + 72, sha256(old_bundle, old_size).bytes, 32);
    memcpy(bytes + 104, sha256(new_bundle, new_size).bytes, 32);
    memset(bytes + size - 128, 0, 128);
    memcpy(bytes + size - 128, "ONDSIGN1", 8);
    sign();
}

void sign_bundle(MadeBundle *bundle, uint64_t sequence) {
    static uint8_t text[18 + MadeBundle::room];
    bundle->put_u64(24, sequence);
    const size_t length = bundle->size - 128;
    memcpy(text, "onboard-bundle-v1", 18);
    memcpy(text + 18, bundle->bytes, length);
    uint8_t *trailer = bundle->bytes + length;
    memcpy(trailer + 8, sha256(keys.open, 32).bytes, 32);
    (void)crypto_sign_detached(trailer + 40, nullptr, text, 18 + length, keys.secret);
}

// An old bundle, and a new one with another reference radiance; by hand, the delta between them.
struct Case {
    MadeBundle old_bundle, new_bundle;
    MadeDelta delta;
};

void make_case(Case *made) {
    Parts parts = good_parts();
    assemble(parts, &made->old_bundle);
    sign_bundle(&made->old_bundle, 5);
    parts.reference[2] = 3.0f;
    assemble(parts, &made->new_bundle);
    sign_bundle(&made->new_bundle, 6);
    made->delta = MadeDelta{};
    made->delta.operation(0, 0, 0, 24, 1);
    const size_t rest = made->new_bundle.size - 24;
    made->delta.operation(2, 0, 24, rest, 1);
    for (size_t i = 0; i < rest; ++i) {
        const auto digit =
            static_cast<uint8_t>(made->new_bundle.bytes[24 + i] - made->old_bundle.bytes[24 + i]);
        made->delta.put(&digit, 1);
    }
    made->delta.seal(made->old_bundle.bytes, made->old_bundle.size, made->new_bundle.bytes, made->new_bundle.size);
}

struct Result {
    onb_status status;
    size_t size;
    onb_detail detail;
    bool same; // as the new bundle
    bool blank;
};

onb_config trusting() {
    onb_config config{};
    (void)onb_config_default(&config, sizeof config);
    config.trusted_keys = keys.open;
    config.trusted_key_count = 1;
    return config;
}

// Applies bytes that lie in blocks of exactly their size, so that the sanitizer sees one byte too far.
Result apply(const Case &made, const uint8_t *delta, size_t size, const onb_config &config, size_t spare = 0) {
    Result result{};
    result.detail.struct_size = sizeof(onb_detail);
    onb_delta_description info{};
    info.struct_size = sizeof info;
    auto *exact = static_cast<uint8_t *>(malloc(size == 0 ? 1 : size));
    memcpy(exact, delta, size);
    const bool readable = onb_delta_info(exact, size, &info, nullptr) == ONB_OK;
    const size_t capacity = readable && info.memory_bytes < 1u << 22 ? info.memory_bytes - spare : 4096;
    void *out = nullptr;
    if (posix_memalign(&out, 64, capacity) != 0) {
        abort();
    }
    memset(out, 0xAA, capacity);
    result.size = 77;
    result.status = onb_delta_apply(made.old_bundle.bytes, made.old_bundle.size, exact, size, &config, out, capacity,
                                    &result.size, &result.detail);
    result.same = result.size == made.new_bundle.size && memcmp(out, made.new_bundle.bytes, result.size) == 0;
    result.blank = true;
    for (size_t i = 0; i < capacity; ++i) {
        result.blank = result.blank && static_cast<uint8_t *>(out)[i] == 0;
    }
    CHECK(result.status == ONB_OK || (result.size == 0 && result.blank && result.detail.problem[0] != 0));
    free(out);
    free(exact);
    return result;
}

Result apply(const Case &made) { return apply(made, made.delta.bytes, made.delta.size, trusting()); }

void test_a_round_trip() {
    static Case made;
    make_case(&made);
    const Result result = apply(made);
    CHECK(result.status == ONB_OK && result.same);
    onb_delta_description info{};
    info.struct_size = sizeof info;
    CHECK(onb_delta_info(made.delta.bytes, made.delta.size, &info, nullptr) == ONB_OK);
    CHECK(info.sequence == 6 && info.is_signed == 1 && info.operation_count == 2);
    CHECK(info.new_size == made.new_bundle.size && info.old_size == made.old_bundle.size);
    CHECK(memcmp(info.new_sha256, sha256(made.new_bundle.bytes, made.new_bundle.size).bytes, 32) == 0);
}

void test_every_truncation_and_flip_is_refused() {
    static Case made;
    make_case(&made);
    for (size_t size = 0; size < made.delta.size; ++size) {
        CHECK(apply(made, made.delta.bytes, size, trusting()).status != ONB_OK);
    }
    for (size_t at = 0; at < made.delta.size; ++at) {
        made.delta.bytes[at] ^= static_cast<uint8_t>(1u << (at % 8));
        CHECK(apply(made).status != ONB_OK);
        made.delta.bytes[at] ^= static_cast<uint8_t>(1u << (at % 8));
    }
    CHECK(apply(made).status == ONB_OK);
}

void test_who_what_and_when() {
    static Case made;
    make_case(&made);
    onb_config config = trusting();
    config.minimum_sequence = 7;
    CHECK(apply(made, made.delta.bytes, made.delta.size, config).status == ONB_BUNDLE_SEQUENCE);
    config = trusting();
    config.trusted_key_count = 0;
    CHECK(apply(made, made.delta.bytes, made.delta.size, config).status == ONB_BUNDLE_UNTRUSTED);
    CHECK(apply(made, made.delta.bytes, made.delta.size, trusting(), 1).status == ONB_MEMORY_TOO_SMALL);
    made.old_bundle.bytes[300] ^= 1;
    CHECK(apply(made).status == ONB_DELTA_BASE);
    made.old_bundle.bytes[300] ^= 1;
    memset(made.delta.bytes + made.delta.size - 120, 0, 96);
    CHECK(apply(made).status == ONB_BUNDLE_UNSIGNED);
    made.delta.head(24, 9, 8);
    made.delta.sign();
    CHECK(apply(made).status == ONB_DELTA_MALFORMED); // the bundle's own sequence is 6
    made.delta.head(24, 6, 8);
    made.delta.head(8, 2, 4);
    made.delta.sign();
    CHECK(apply(made).status == ONB_BUNDLE_VERSION);
}

// A delta by a trusted key that makes, exactly as it says, what is no bundle or an unsigned one.
void test_what_is_made_must_be_a_bundle() {
    static Case made;
    make_case(&made);
    static MadeBundle bare;
    bare = made.new_bundle;
    memset(bare.bytes + bare.size - 120, 0, 96);
    made.delta = MadeDelta{};
    made.delta.operation(1, 0, 0, bare.size, 1);
    made.delta.put(bare.bytes, bare.size);
    made.delta.seal(made.old_bundle.bytes, made.old_bundle.size, bare.bytes, bare.size);
    CHECK(apply(made).status == ONB_BUNDLE_UNSIGNED);
    bare.bytes[0] = 'X';
    made.delta = MadeDelta{};
    made.delta.operation(1, 0, 0, bare.size, 1);
    made.delta.put(bare.bytes, bare.size);
    made.delta.seal(made.old_bundle.bytes, made.old_bundle.size, bare.bytes, bare.size);
    CHECK(apply(made).status == ONB_BUNDLE_MALFORMED);
}

// Signed, but hostile: operations with wild numbers, and streams of the wrong length.
void test_wild_operations_are_refused() {
    static Case made;
    make_case(&made);
    const uint64_t wild[] = {0,          1,  3, 64, 65, 1u << 20, UINT64_C(1) << 30, UINT64_C(1) << 62,
                             UINT64_MAX, 5000};
    for (uint32_t kind = 0; kind < 5; ++kind) {
        for (uint64_t rows : wild) {
            for (uint64_t columns : wild) {
                made.delta.stream_size = 0;
                made.delta.operations = 0;
                made.delta.factor_bytes = 4096;
                const auto few = static_cast<uint32_t>(rows & 127u);
                made.delta.operation(kind, kind == 3 ? few : 0, columns / 2, rows, columns);
                made.delta.put(made.new_bundle.bytes, 2000);
                made.delta.seal(made.old_bundle.bytes, made.old_bundle.size, made.new_bundle.bytes,
                                made.new_bundle.size);
                CHECK(apply(made).status == ONB_DELTA_MALFORMED);
            }
        }
    }
    for (const size_t extra : {size_t{1}, size_t{40}}) {
        make_case(&made);
        made.delta.put("a stream that is longer than its operations need", extra);
        made.delta.seal(made.old_bundle.bytes, made.old_bundle.size, made.new_bundle.bytes, made.new_bundle.size);
        CHECK(apply(made).status == ONB_DELTA_MALFORMED);
    }
}

// Words: two rows of three, rank 1, with a correction in the second plane and one that borrows.
void test_words_of_low_rank() {
    const float before[6] = {1.0f, 2.0f, 3.0f, -4.0f, 5.0f, 0.0f};
    const float right[3] = {0.5f, -0.25f, 1e-8f};
    const float left[2] = {2.0f, -1.0f};
    uint8_t planes[24] = {0};
    planes[1] = 0xFF;     // one place down
    planes[6 + 2] = 0x01; // 256 places up
    float after[6];
    for (int i = 0; i < 6; ++i) {
        after[i] = static_cast<float>(static_cast<double>(before[i]) +
                                      static_cast<double>(left[i / 3]) * static_cast<double>(right[i % 3]));
    }
    uint32_t word = read_u32(reinterpret_cast<uint8_t *>(&after[1])) - 1;
    memcpy(&after[1], &word, 4);
    word = read_u32(reinterpret_cast<uint8_t *>(&after[2])) + 256;
    memcpy(&after[2], &word, 4);
    static MadeDelta made;
    made = MadeDelta{};
    made.factor_bytes = sizeof right;
    made.operation(3, 1, 0, 2, 3);
    made.put(right, sizeof right);
    made.put(left, sizeof left);
    made.put(planes, sizeof planes);
    const auto *old_bytes = reinterpret_cast<const uint8_t *>(before);
    made.seal(old_bytes, sizeof before, reinterpret_cast<const uint8_t *>(after), sizeof after);
    Delta delta;
    CHECK(read_delta({made.bytes, made.size}, &delta, nullptr) == ONB_OK);
    void *out = nullptr;
    if (posix_memalign(&out, 64, delta.memory_bytes()) != 0) {
        abort();
    }
    CHECK(run_delta(delta, {old_bytes, sizeof before}, static_cast<uint8_t *>(out), nullptr) == ONB_OK);
    CHECK(memcmp(out, after, sizeof after) == 0);
    free(out);
}

} // namespace

int main() {
    if (sodium_init() < 0) {
        return 1;
    }
    test_a_round_trip();
    test_every_truncation_and_flip_is_refused();
    test_who_what_and_when();
    test_what_is_made_must_be_a_bundle();
    test_wild_operations_are_refused();
    test_words_of_low_rank();
    return failures;
}
