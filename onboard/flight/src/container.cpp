#include "container.hpp"

#include "checked.hpp"
#include "sign.hpp"

#include <cstring>

namespace onb {

namespace {

constexpr size_t header_size = 64;
constexpr size_t entry_size = 128;
constexpr uint32_t format_version = 1;

bool all_zero(const uint8_t *bytes, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; ++i) {
        any = static_cast<uint8_t>(any | bytes[i]);
    }
    return any == 0;
}

onb_status malformed(onb_detail *detail, const char *problem, const char *field, const Text &found,
                     const Text &expected) {
    return fail(detail, ONB_BUNDLE_MALFORMED, problem, field, found, expected);
}

Text count(uint64_t value) { return text("%llu", static_cast<unsigned long long>(value)); }

Text field_of(const char *part, const char *field) { return text("%s: %s", part, field); }

onb_status check_header(Bytes file, Container *container, onb_detail *detail) {
    const size_t smallest = header_size + entry_size + Container::trailer_size;
    if (file.size < 8 || memcmp(file.data, "ONBUNDLE", 8) != 0) {
        return malformed(detail, "this is not a bundle", "header: magic",
                         text("%zu bytes that start otherwise", file.size), text("ONBUNDLE"));
    }
    if (file.size < smallest) {
        return malformed(detail, "the bundle is cut short", "length", text("%zu bytes", file.size),
                         text("at least %zu bytes", smallest));
    }
    const uint32_t version = read_u32(file.data + 8);
    const uint64_t total = read_u64(file.data + 16);
    container->sequence = read_u64(file.data + 24);
    container->part_count = read_u32(file.data + 32);
    if (version != format_version) {
        return fail(detail, ONB_BUNDLE_VERSION, "unknown bundle version", "header: format_version",
                    count(version), count(format_version));
    }
    if (read_u32(file.data + 12) != header_size) {
        return malformed(detail, "malformed header", "header: header_size", count(read_u32(file.data + 12)),
                         count(header_size));
    }
    if (total != file.size) {
        return malformed(detail,
                         total > file.size ? "the bundle is cut short" : "bytes follow the bundle's end",
                         "header: total_size", text("%zu bytes", file.size),
                         text("%llu bytes", static_cast<unsigned long long>(total)));
    }
    if (container->part_count < 1 || container->part_count > Container::max_parts) {
        return malformed(detail, "malformed header", "header: part_count", count(container->part_count),
                         text("1 to %u", Container::max_parts));
    }
    if (read_u32(file.data + 36) != entry_size) {
        return malformed(detail, "malformed header", "header: part_entry_size",
                         count(read_u32(file.data + 36)), count(entry_size));
    }
    if (!all_zero(file.data + 40, 24)) {
        return malformed(detail, "malformed header", "header: reserved", text("other bytes"), text("zeros"));
    }
    if (header_size + container->part_count * entry_size + Container::trailer_size > file.size) {
        return malformed(detail, "the bundle is cut short", "header: part_count",
                         count(container->part_count), text("a table that fits the file"));
    }
    return ONB_OK;
}

// Copies a name of [a-z0-9_.], zero-padded to 64 bytes; false if it is anything else.
bool read_name(const uint8_t *raw, char name[64]) {
    size_t length = 0;
    while (length < 64 && raw[length] != 0) {
        const uint8_t c = raw[length];
        const bool legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        if (!legal) {
            return false;
        }
        ++length;
    }
    if (length == 0 || length == 64 || !all_zero(raw + length, 64 - length)) {
        return false;
    }
    memcpy(name, raw, 64);
    return true;
}

onb_status read_entry(const uint8_t *raw, uint32_t index, Container *container, onb_detail *detail) {
    Part &part = container->parts[index];
    if (!read_name(raw, part.name)) {
        return malformed(detail, "illegal part name", text("part %u: name", index).chars,
                         text("other characters"), text("1 to 63 of [a-z0-9_.], zero-padded"));
    }
    for (uint32_t i = 0; i < index; ++i) {
        if (strcmp(container->parts[i].name, part.name) == 0) {
            return malformed(detail, "two parts share a name", text("part %u: name", index).chars,
                             text("%s", part.name), text("unique names"));
        }
    }
    if (!all_zero(raw + 112, 16)) {
        return malformed(detail, "malformed table", field_of(part.name, "reserved").chars, text("other bytes"),
                         text("zeros"));
    }
    part.sha256 = raw + 80;
    return ONB_OK;
}

// A part lies at the next multiple of 64 after the one before it, with zeros between, and ends before
// the trailer; so no two parts overlap and no byte is unaccounted for.
onb_status place_part(Part *part, const uint8_t *raw, uint64_t *end, uint64_t limit, onb_detail *detail,
                      const uint8_t *file) {
    const uint64_t offset = read_u64(raw + 64);
    const uint64_t size = read_u64(raw + 72);
    if (offset != align64(*end) || offset > limit) {
        return malformed(detail, "a part lies in the wrong place", field_of(part->name, "offset").chars,
                         count(offset), count(align64(*end)));
    }
    if (size < 1 || !range_fits(offset, size, limit)) {
        return malformed(detail, "a part does not fit", field_of(part->name, "size").chars, count(size),
                         text("1 to %llu", static_cast<unsigned long long>(limit - offset)));
    }
    if (!all_zero(file + *end, static_cast<size_t>(offset - *end))) {
        return malformed(detail, "padding is not empty", field_of(part->name, "offset").chars,
                         text("other bytes"), text("zeros"));
    }
    part->bytes = {file + offset, static_cast<size_t>(size)};
    *end = offset + size;
    return ONB_OK;
}

onb_status read_table(Bytes file, Container *container, onb_detail *detail) {
    const uint64_t limit = file.size - Container::trailer_size;
    uint64_t end = header_size + container->part_count * entry_size;
    for (uint32_t i = 0; i < container->part_count; ++i) {
        const uint8_t *raw = file.data + header_size + i * entry_size;
        onb_status status = read_entry(raw, i, container, detail);
        if (status == ONB_OK) {
            status = place_part(&container->parts[i], raw, &end, limit, detail, file.data);
        }
        if (status != ONB_OK) {
            return status;
        }
    }
    if (align64(end) != limit) {
        return malformed(detail, "bytes that belong to no part", "trailer: offset", count(limit),
                         count(align64(end)));
    }
    if (!all_zero(file.data + end, static_cast<size_t>(limit - end))) {
        return malformed(detail, "padding is not empty", "before the trailer", text("other bytes"),
                         text("zeros"));
    }
    return ONB_OK;
}

onb_status read_trailer(Bytes file, Container *container, onb_detail *detail) {
    const uint8_t *trailer = file.data + (file.size - Container::trailer_size);
    if (memcmp(trailer, "ONBSIGN1", 8) != 0) {
        return malformed(detail, "malformed trailer", "trailer: magic", hex(trailer, 8), text("ONBSIGN1"));
    }
    if (!all_zero(trailer + 104, 24)) {
        return malformed(detail, "malformed trailer", "trailer: reserved", text("other bytes"), text("zeros"));
    }
    container->key_id = trailer + 8;
    container->signature = trailer + 40;
    container->is_signed = !all_zero(container->signature, 64);
    if (container->is_signed == all_zero(container->key_id, 32)) {
        return malformed(detail, "malformed trailer", "trailer: key_id", hex(container->key_id, 32),
                         text("set exactly when signed"));
    }
    return ONB_OK;
}

onb_status check_hashes(const Container &container, onb_detail *detail) {
    for (uint32_t i = 0; i < container.part_count; ++i) {
        const Part &part = container.parts[i];
        const Digest digest = sha256(part.bytes.data, part.bytes.size);
        if (!same_digest(digest, part.sha256)) {
            return fail(detail, ONB_BUNDLE_DAMAGED, "a part is damaged", field_of(part.name, "sha256").chars,
                        hex(digest.bytes, 32), hex(part.sha256, 32));
        }
    }
    return ONB_OK;
}

} // namespace

uint32_t read_u32(const uint8_t *bytes) {
    return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
           static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

uint64_t read_u64(const uint8_t *bytes) {
    return static_cast<uint64_t>(read_u32(bytes)) | static_cast<uint64_t>(read_u32(bytes + 4)) << 32;
}

float read_f32(const uint8_t *bytes) {
    const uint32_t bits = read_u32(bytes);
    float value = 0.0f;
    memcpy(&value, &bits, sizeof value);
    return value;
}

Bytes Container::find(const char *name) const {
    for (uint32_t i = 0; i < part_count; ++i) {
        if (strcmp(parts[i].name, name) == 0) {
            return parts[i].bytes;
        }
    }
    return {nullptr, 0};
}

onb_status read_container(Bytes file, Container *container, onb_detail *detail) {
    *container = Container{};
    container->file = file;
    onb_status status = check_header(file, container, detail);
    if (status == ONB_OK) {
        status = read_table(file, container, detail);
    }
    if (status == ONB_OK) {
        status = read_trailer(file, container, detail);
    }
    return status == ONB_OK ? check_hashes(*container, detail) : status;
}

const uint8_t *signing_key(const uint8_t *key_id, const onb_config &config) {
    for (uint32_t i = 0; i < config.trusted_key_count; ++i) {
        const uint8_t *key = config.trusted_keys + static_cast<size_t>(i) * ONB_KEY_BYTES;
        if (same_digest(sha256(key, ONB_KEY_BYTES), key_id)) {
            return key;
        }
    }
    return nullptr;
}

onb_status check_trust(const Container &container, const onb_config &config, uint8_t *workspace,
                       onb_detail *detail) {
    if (!container.is_signed) {
        return fail(detail, ONB_BUNDLE_UNSIGNED, "the bundle is not signed", "trailer: signature", text("zeros"),
                    text("an Ed25519 signature by a trusted key"));
    }
    const uint8_t *key = signing_key(container.key_id, config);
    if (key == nullptr) {
        return fail(detail, ONB_BUNDLE_UNTRUSTED, "the bundle is signed by a key that is not trusted",
                    "trailer: key_id", hex(container.key_id, 32),
                    text("one of %u trusted keys", config.trusted_key_count));
    }
    const size_t length = container.file.size - Container::trailer_size;
    const Signature result = check_signature(container.signature, container.file.data, length, key, workspace);
    if (result == Signature::no_memory) {
        return fail(detail, ONB_MEMORY_TOO_SMALL, "no memory to check the signature", "heap", text("none left"),
                    text("%zu bytes for a moment", length));
    }
    if (result == Signature::bad) {
        return fail(detail, ONB_BUNDLE_SIGNATURE, "the signature does not fit the bundle", "trailer: signature",
                    text("a signature of other bytes"), text("the signature of this bundle's bytes"));
    }
    if (container.sequence < config.minimum_sequence) {
        return fail(detail, ONB_BUNDLE_SEQUENCE, "the bundle is older than allowed", "header: sequence",
                    count(container.sequence), text("at least %llu",
                    static_cast<unsigned long long>(config.minimum_sequence)));
    }
    return ONB_OK;
}

} // namespace onb
