#include "sign.hpp"

#include <cstdlib>
#include <cstring>
#include <sodium.h>

namespace onb {

namespace {
constexpr char domain[] = "onboard-bundle-v1"; // its terminating zero is part of what is signed
}

Digest sha256(const void *data, size_t size) {
    Digest digest{};
    (void)crypto_hash_sha256(digest.bytes, static_cast<const unsigned char *>(data), size);
    return digest;
}

bool same_digest(const Digest &digest, const uint8_t *expected) {
    return memcmp(digest.bytes, expected, sizeof digest.bytes) == 0;
}

Signature check_signature(const uint8_t signature[64], const uint8_t *message, size_t size,
                          const uint8_t public_key[32]) {
    if (sodium_init() < 0 || size > SIZE_MAX - sizeof domain) {
        return Signature::no_memory;
    }
    const size_t length = sizeof domain + size;
    auto *copy = static_cast<unsigned char *>(malloc(length));
    if (copy == nullptr) {
        return Signature::no_memory;
    }
    memcpy(copy, domain, sizeof domain);
    memcpy(copy + sizeof domain, message, size);
    const int bad = crypto_sign_verify_detached(signature, copy, length, public_key);
    free(copy);
    return bad == 0 ? Signature::good : Signature::bad;
}

} // namespace onb
