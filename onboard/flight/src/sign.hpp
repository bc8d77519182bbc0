// Hashes and signatures.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onb {

struct Digest {
    uint8_t bytes[32];
};

Digest sha256(const void *data, size_t size);
bool same_digest(const Digest &digest, const uint8_t *expected);

enum class Signature { good, bad, no_memory };

// Bytes of a workspace beside the message.
constexpr size_t signature_room = 64;

// Checks the Ed25519 signature of "onboard-bundle-v1\0" followed by the message. The algorithm reads its
// message in one piece, so a copy is made: in the workspace, of size + signature_room bytes, or where that is
// null in memory borrowed from the heap (ground and preparation only).
Signature check_signature(const uint8_t signature[64], const uint8_t *message, size_t size,
                          const uint8_t public_key[32], uint8_t *workspace);

// Checks the Ed25519 signature of "onboard-delta-v1\0" followed by the SHA-256 of the message: no copy.
Signature check_delta_signature(const uint8_t signature[64], const uint8_t *message, size_t size,
                                const uint8_t public_key[32]);

} // namespace onb
