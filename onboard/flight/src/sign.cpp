#include "sign.hpp"

#include <cstdlib>
#include <cstring>
#include <sodium.h>

namespace onb {

namespace {
// Their terminating zeros are part of what is signed.
constexpr char domain[] = "onboard-bundle-v1";
constexpr char delta_domain[] = "onboard-delta-v1";
static_assert(sizeof domain <= signature_room, "a workspace holds the domain");
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
                          const uint8_t public_key[32], uint8_t *workspace) {
    if (sodium_init() < 0 || size > SIZE_MAX - sizeof domain) {
        return Signature::no_memory;
    }
    const size_t length = sizeof domain + size;
    auto *copy = workspace != nullptr ? workspace : static_cast<uint8_t *>(malloc(length));
    if (copy == nullptr) {
        return Signature::no_memory;
    }
    memcpy(copy, domain, sizeof domain);
    memcpy(copy + sizeof domain, message, size);
    const int bad = crypto_sign_verify_detached(signature, copy, length, public_key);
    if (workspace == nullptr) {
        free(copy);
    }
    return bad == 0 ? Signature::good : Signature::bad;
}

Signature check_delta_signature(const uint8_t signature[64], const uint8_t *message, size_t size,
                                const uint8_t public_key[32]) {
    if (sodium_init() < 0) {
        return Signature::no_memory;
    }
    uint8_t text[sizeof delta_domain + sizeof(Digest)];
    const Digest digest = sha256(message, size);
    memcpy(text, delta_domain, sizeof delta_domain);
    memcpy(text + sizeof delta_domain, digest.bytes, sizeof digest.bytes);
    const int bad = crypto_sign_verify_detached(signature, text, sizeof text, public_key);
    return bad == 0 ? Signature::good : Signature::bad;
}

} // namespace onb
