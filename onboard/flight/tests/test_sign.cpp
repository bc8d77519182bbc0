#include "sign.hpp"
#include "check.hpp"

#include <cstring>
#include <sodium.h>

using namespace onb;

int main() {
    // SHA-256 of "abc": FIPS 180-4, appendix.
    const uint8_t expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    CHECK(same_digest(sha256("abc", 3), expected));
    CHECK(!same_digest(sha256("abd", 3), expected));
    CHECK(sodium_init() >= 0);
    uint8_t public_key[32];
    uint8_t private_key[64];
    const uint8_t seed[32] = {1, 2, 3};
    (void)crypto_sign_seed_keypair(public_key, private_key, seed);
    const char signed_bytes[] = "onboard-bundle-v1\0hello"; // domain, zero, message
    const auto *message = reinterpret_cast<const uint8_t *>("hello");
    uint8_t signature[64];
    (void)crypto_sign_detached(signature, nullptr, reinterpret_cast<const unsigned char *>(signed_bytes),
                               sizeof signed_bytes - 1, private_key);
    CHECK(check_signature(signature, message, 5, public_key, nullptr) == Signature::good);
    uint8_t workspace[5 + signature_room];
    CHECK(check_signature(signature, message, 5, public_key, workspace) == Signature::good);
    // Under the domain of deltas the same key signs something else.
    CHECK(check_delta_signature(signature, message, 5, public_key) == Signature::bad);
    CHECK(check_signature(signature, message, 4, public_key, nullptr) == Signature::bad);
    signature[3] ^= 1;
    CHECK(check_signature(signature, message, 5, public_key, nullptr) == Signature::bad);
    // A signature of the message alone, without the domain, is none of ours.
    (void)crypto_sign_detached(signature, nullptr, message, 5, private_key);
    CHECK(check_signature(signature, message, 5, public_key, nullptr) == Signature::bad);
    CHECK(check_signature(signature, message, SIZE_MAX, public_key, nullptr) == Signature::no_memory);
    uint8_t digest_text[17 + 32];
    memcpy(digest_text, "onboard-delta-v1", 17);
    memcpy(digest_text + 17, sha256(message, 5).bytes, 32);
    (void)crypto_sign_detached(signature, nullptr, digest_text, sizeof digest_text, private_key);
    CHECK(check_delta_signature(signature, message, 5, public_key) == Signature::good);
    CHECK(check_delta_signature(signature, message, 4, public_key) == Signature::bad);
    CHECK(check_signature(signature, message, 5, public_key, nullptr) == Signature::bad);
    return failures;
}
