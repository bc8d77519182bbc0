// The C interface: uplink deltas.
#include "abi_checks.hpp"
#include "delta.hpp"

#include <cstring>

namespace {

using namespace onb;

onb_status begin_delta(const void *data, size_t size, Delta *delta, onb_detail *detail) {
    if (data == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no delta was given", "delta", text("NULL"), text("its bytes"));
    }
    return read_delta({static_cast<const uint8_t *>(data), size}, delta, detail);
}

onb_status check_base(const Delta &delta, Bytes old_bundle, onb_detail *detail) {
    if (old_bundle.data == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no bundle was given", "old_bundle", text("NULL"),
                    text("its bytes"));
    }
    const Digest found = sha256(old_bundle.data, old_bundle.size);
    if (old_bundle.size != delta.old_size || !same_digest(found, delta.old_sha256)) {
        return fail(detail, ONB_DELTA_BASE, "the delta is made for another bundle", "header: old_sha256",
                    hex(found.bytes, 32), hex(delta.old_sha256, 32));
    }
    return ONB_OK;
}

onb_status check_out(const Delta &delta, const void *out, size_t capacity, onb_detail *detail) {
    if (out == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no memory was given", "out", text("NULL"), text("a block"));
    }
    if (reinterpret_cast<uintptr_t>(out) % ONB_ALIGNMENT != 0) {
        return fail(detail, ONB_MEMORY_UNALIGNED, "the memory block is not aligned", "out", text("another address"),
                    text("a multiple of %u", ONB_ALIGNMENT));
    }
    if (capacity < delta.memory_bytes()) {
        return fail(detail, ONB_MEMORY_TOO_SMALL, "the memory block is too small", "out_capacity",
                    text("%zu bytes", capacity),
                    text("%llu bytes", static_cast<unsigned long long>(delta.memory_bytes())));
    }
    return ONB_OK;
}

// What was made is checked as any bundle is; that its hash is the named one does not make it one.
onb_status check_made(const Delta &delta, const onb_config &config, uint8_t *out, onb_detail *detail) {
    Bundle bundle;
    onb_status status = read_bundle({out, static_cast<size_t>(delta.new_size)}, &bundle, detail);
    if (status == ONB_OK) {
        status = check_flyable(bundle, config, out + delta.room_offset(), detail);
    }
    if (status == ONB_OK && bundle.container.sequence != delta.sequence) {
        status = fail(detail, ONB_DELTA_MALFORMED, "the delta does not make what it names", "header: sequence",
                      text("%llu", static_cast<unsigned long long>(bundle.container.sequence)),
                      text("%llu", static_cast<unsigned long long>(delta.sequence)));
    }
    return status;
}

} // namespace

extern "C" {

onb_status onb_delta_info(const void *data, size_t size, onb_delta_description *info, onb_detail *detail) {
    if (!detail_begin(detail) || (info != nullptr && info->struct_size != sizeof *info)) {
        return ONB_STRUCT_SIZE;
    }
    if (info == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no place for the description", "info", text("NULL"));
    }
    Delta delta;
    const onb_status status = begin_delta(data, size, &delta, detail);
    if (status != ONB_OK) {
        return status;
    }
    *info = onb_delta_description{};
    info->struct_size = sizeof *info;
    info->format_version = 1;
    info->sequence = delta.sequence;
    info->old_size = delta.old_size;
    info->new_size = delta.new_size;
    memcpy(info->old_sha256, delta.old_sha256, sizeof info->old_sha256);
    memcpy(info->new_sha256, delta.new_sha256, sizeof info->new_sha256);
    memcpy(info->key_id, delta.key_id, sizeof info->key_id);
    info->is_signed = delta.is_signed ? 1 : 0;
    info->operation_count = delta.operation_count;
    info->memory_bytes = delta.memory_bytes();
    return ONB_OK;
}

onb_status onb_delta_apply(const void *old_bundle, size_t old_size, const void *data, size_t size,
                           const onb_config *config, void *out, size_t out_capacity, size_t *out_size,
                           onb_detail *detail) {
    // Whatever the caller got wrong, an old bundle must not be taken for the new one.
    if (out_size != nullptr) {
        *out_size = 0;
    }
    if (out != nullptr) {
        memset(out, 0, out_capacity);
    }
    if (!detail_begin(detail)) {
        return ONB_STRUCT_SIZE;
    }
    if (out_size == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no place for the size", "out_size", text("NULL"));
    }
    const Bytes base = {static_cast<const uint8_t *>(old_bundle), old_size};
    auto *block = static_cast<uint8_t *>(out);
    Delta delta;
    onb_config own;
    onb_status status = take_trust_config(config, &own, detail);
    if (status == ONB_OK) {
        status = begin_delta(data, size, &delta, detail);
    }
    if (status == ONB_OK) {
        status = check_delta_trust(delta, own, detail);
    }
    if (status == ONB_OK) {
        status = check_base(delta, base, detail);
    }
    if (status == ONB_OK) {
        status = check_out(delta, out, out_capacity, detail);
    }
    if (status != ONB_OK) {
        return status;
    }
    status = run_delta(delta, base, block, detail);
    if (status == ONB_OK) {
        status = check_made(delta, own, block, detail);
    }
    if (status != ONB_OK) {
        memset(out, 0, out_capacity);
        return status;
    }
    *out_size = static_cast<size_t>(delta.new_size);
    return ONB_OK;
}

} // extern "C"
