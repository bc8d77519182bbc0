#include "delta.hpp"

#include "checked.hpp"
#include "inflate.hpp"
#include "sign.hpp"

#include <cfloat>
#include <cmath>
#include <cstring>

static_assert(FLT_EVAL_METHOD == 0, "a delta's arithmetic is double, neither wider nor narrower");

namespace onb {

namespace {

constexpr uint32_t format_version = 1;
constexpr size_t operation_size = 32;
constexpr size_t piece_size = 4096;

enum Kind : uint32_t { copy = 0, raw = 1, bytes = 2, words = 3 };

struct Operation {
    uint32_t kind, rank;
    uint64_t old_offset, rows, columns;
};

// What the operations work on; `done` bytes of the new bundle are written.
struct Work {
    const Delta &delta;
    Bytes old_bundle;
    uint8_t *out;
    float *factors;
    Inflater inflater;
    uint64_t done;
    onb_detail *detail;
};

onb_status malformed(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_DELTA_MALFORMED, "the delta is malformed", field, found, expected);
}

Text number(uint64_t value) { return text("%llu", static_cast<unsigned long long>(value)); }

bool all_zero(const uint8_t *from, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; ++i) {
        any = static_cast<uint8_t>(any | from[i]);
    }
    return any == 0;
}

onb_status cut_short(Work *work) {
    return malformed(work->detail, "stream", text("a damaged or short stream"),
                     text("%llu bytes", static_cast<unsigned long long>(work->delta.stream_size)));
}

onb_status check_lengths(const Delta &delta, onb_detail *detail) {
    const struct {
        const char *name;
        uint64_t value, low, high;
    } limits[] = {
        {"header: old_size", delta.old_size, 1, Delta::most_bytes},
        {"header: new_size", delta.new_size, 1, Delta::most_bytes},
        {"header: stream_size", delta.stream_size, operation_size, 8 * Delta::most_bytes},
        {"header: operation_count", delta.operation_count, 1, Delta::most_operations},
        {"header: factor_bytes", delta.factor_bytes, 0, Delta::most_factor_bytes},
    };
    for (const auto &limit : limits) {
        if (limit.value < limit.low || limit.value > limit.high) {
            return malformed(detail, limit.name, number(limit.value),
                             text("%llu to %llu", static_cast<unsigned long long>(limit.low),
                                  static_cast<unsigned long long>(limit.high)));
        }
    }
    return ONB_OK;
}

onb_status read_trailer(Delta *delta, onb_detail *detail) {
    const uint8_t *trailer = delta->file.data + (delta->file.size - Delta::trailer_size);
    if (memcmp(trailer, "ONDSIGN1", 8) != 0 || !all_zero(trailer + 104, 24)) {
        return malformed(detail, "trailer: magic", hex(trailer, 8), text("ONDSIGN1, and reserved zeros"));
    }
    delta->key_id = trailer + 8;
    delta->signature = trailer + 40;
    delta->is_signed = !all_zero(delta->signature, 64);
    if (delta->is_signed == all_zero(delta->key_id, 32)) {
        return malformed(detail, "trailer: key_id", hex(delta->key_id, 32), text("set exactly when signed"));
    }
    return ONB_OK;
}

Operation decode(const uint8_t *at) {
    return {read_u32(at), read_u32(at + 4), read_u64(at + 8), read_u64(at + 16), read_u64(at + 24)};
}

// The bytes that the operation makes; false if it makes no sense or reaches beyond either bundle.
bool measure(const Operation &op, const Work &work, uint64_t *size) {
    const Delta &delta = work.delta;
    const uint64_t wide = op.kind == words ? 4 : 1;
    if (op.kind > words || op.rows < 1 || op.columns < 1 || !checked_multiply(op.rows, op.columns, size) ||
        !checked_multiply(*size, wide, size) || !range_fits(work.done, *size, delta.new_size)) {
        return false;
    }
    if (op.kind != words && (op.rank != 0 || op.columns != 1)) {
        return false;
    }
    if (op.rank > Delta::most_rank || op.rank > op.rows || op.rank > op.columns) {
        return false;
    }
    // columns is below 2^30 here and rank at most 64: no overflow
    if (4 * op.rank * op.columns > delta.factor_bytes) {
        return false;
    }
    return op.kind == raw ? op.old_offset == 0 : range_fits(op.old_offset, *size, delta.old_size);
}

// The old words plus the product of two factors, in double and in this order, rounded once to float. A
// product of two floats is exact in double, so that no contraction can change it.
bool predict(Work *work, const Operation &op) {
    const uint8_t *from = work->old_bundle.data + op.old_offset;
    uint8_t *to = work->out + work->done;
    const size_t columns = static_cast<size_t>(op.columns);
    float left[Delta::most_rank];
    if (!work->inflater.read(work->factors, 4 * op.rank * columns)) {
        return false;
    }
    for (uint64_t row = 0; row < op.rows; ++row) {
        if (!work->inflater.read(left, sizeof(float) * op.rank)) {
            return false;
        }
        for (size_t column = 0; column < columns; ++column) {
            double sum = static_cast<double>(read_f32(from));
            for (uint32_t k = 0; k < op.rank; ++k) {
                sum += static_cast<double>(left[k]) * static_cast<double>(work->factors[k * columns + column]);
            }
            float value = static_cast<float>(sum);
            value = std::isfinite(value) ? value : 0.0f;
            memcpy(to, &value, 4);
            from += 4;
            to += 4;
        }
    }
    return true;
}

// Adds four planes of signed digits, lowest first: what the prediction misses, in units of the last place.
bool correct(Work *work, uint64_t size) {
    uint8_t piece[piece_size];
    for (uint32_t plane = 0; plane < 4; ++plane) {
        uint8_t *to = work->out + work->done;
        for (uint64_t left = size / 4; left > 0;) {
            const size_t count = left < piece_size ? static_cast<size_t>(left) : piece_size;
            if (!work->inflater.read(piece, count)) {
                return false;
            }
            for (size_t i = 0; i < count; ++i, to += 4) {
                const uint32_t digit = piece[i] < 128 ? piece[i] : piece[i] | 0xFFFFFF00u;
                const uint32_t word = read_u32(to) + (digit << (8 * plane));
                memcpy(to, &word, 4);
            }
            left -= count;
        }
    }
    return true;
}

bool add_bytes(Work *work, uint64_t old_offset, uint64_t size) {
    const uint8_t *from = work->old_bundle.data + old_offset;
    uint8_t *to = work->out + work->done;
    if (!work->inflater.read(to, static_cast<size_t>(size))) {
        return false;
    }
    for (uint64_t i = 0; i < size; ++i) {
        to[i] = static_cast<uint8_t>(to[i] + from[i]);
    }
    return true;
}

bool run(Work *work, const Operation &op, uint64_t size) {
    const auto length = static_cast<size_t>(size);
    uint8_t *to = work->out + work->done;
    switch (op.kind) {
    case copy:
        memcpy(to, work->old_bundle.data + op.old_offset, length);
        return true;
    case raw:
        return work->inflater.read(to, length);
    case bytes:
        return add_bytes(work, op.old_offset, size);
    default:
        if (op.rank == 0) {
            memcpy(to, work->old_bundle.data + op.old_offset, length);
        } else if (!predict(work, op)) {
            return false;
        }
        return correct(work, size);
    }
}

onb_status run_all(Work *work) {
    for (uint32_t i = 0; i < work->delta.operation_count; ++i) {
        uint8_t code[operation_size];
        uint64_t size = 0;
        if (!work->inflater.read(code, sizeof code)) {
            return cut_short(work);
        }
        const Operation op = decode(code);
        if (!measure(op, *work, &size)) {
            return malformed(work->detail, text("operation %u", i).chars,
                             text("kind %u, rank %u, %llu x %llu", op.kind, op.rank,
                                  static_cast<unsigned long long>(op.rows),
                                  static_cast<unsigned long long>(op.columns)),
                             text("one that fits both bundles"));
        }
        if (!run(work, op, size)) {
            return cut_short(work);
        }
        work->done += size;
    }
    return ONB_OK;
}

} // namespace

uint64_t Delta::room_offset() const { return align64(new_size); }

uint64_t Delta::memory_bytes() const {
    const uint64_t working = Inflater::heap_size + align64(factor_bytes);
    const uint64_t checking = align64(new_size + signature_room);
    return room_offset() + (working > checking ? working : checking);
}

onb_status read_delta(Bytes file, Delta *delta, onb_detail *detail) {
    const size_t smallest = Delta::header_size + Delta::trailer_size + 1;
    if (file.size < 8 || memcmp(file.data, "ONBDELTA", 8) != 0) {
        return malformed(detail, "header: magic", text("%zu bytes that start otherwise", file.size), text("ONBDELTA"));
    }
    if (file.size < smallest) {
        return malformed(detail, "length", number(file.size), text("at least %zu bytes", smallest));
    }
    if (read_u32(file.data + 8) != format_version) {
        return fail(detail, ONB_BUNDLE_VERSION, "unknown version of a delta", "header: format_version",
                    number(read_u32(file.data + 8)), number(format_version));
    }
    *delta = Delta{};
    delta->file = file;
    delta->sequence = read_u64(file.data + 24);
    delta->old_size = read_u64(file.data + 32);
    delta->new_size = read_u64(file.data + 40);
    delta->stream_size = read_u64(file.data + 48);
    delta->operation_count = read_u32(file.data + 64);
    delta->factor_bytes = read_u32(file.data + 68);
    delta->old_sha256 = file.data + 72;
    delta->new_sha256 = file.data + 104;
    const uint64_t packed = file.size - Delta::header_size - Delta::trailer_size;
    if (read_u32(file.data + 12) != Delta::header_size || read_u64(file.data + 16) != file.size ||
        read_u64(file.data + 56) != packed || !all_zero(file.data + 136, 56)) {
        return malformed(detail, "header: total_size", number(file.size),
                         text("%llu bytes, %llu of them packed, and reserved zeros",
                              static_cast<unsigned long long>(read_u64(file.data + 16)),
                              static_cast<unsigned long long>(read_u64(file.data + 56))));
    }
    delta->packed = {file.data + Delta::header_size, static_cast<size_t>(packed)};
    const onb_status status = check_lengths(*delta, detail);
    return status == ONB_OK ? read_trailer(delta, detail) : status;
}

onb_status check_delta_trust(const Delta &delta, const onb_config &config, onb_detail *detail) {
    if (!delta.is_signed) {
        return fail(detail, ONB_BUNDLE_UNSIGNED, "the delta is not signed", "trailer: signature", text("zeros"),
                    text("an Ed25519 signature by a trusted key"));
    }
    const uint8_t *key = signing_key(delta.key_id, config);
    if (key == nullptr) {
        return fail(detail, ONB_BUNDLE_UNTRUSTED, "the delta is signed by a key that is not trusted",
                    "trailer: key_id", hex(delta.key_id, 32), text("one of %u trusted keys", config.trusted_key_count));
    }
    const size_t length = delta.file.size - Delta::trailer_size;
    if (check_delta_signature(delta.signature, delta.file.data, length, key) != Signature::good) {
        return fail(detail, ONB_BUNDLE_SIGNATURE, "the signature does not fit the delta", "trailer: signature",
                    text("a signature of other bytes"), text("the signature of this delta's bytes"));
    }
    if (delta.sequence < config.minimum_sequence) {
        return fail(detail, ONB_BUNDLE_SEQUENCE, "the delta makes a bundle older than allowed", "header: sequence",
                    number(delta.sequence),
                    text("at least %llu", static_cast<unsigned long long>(config.minimum_sequence)));
    }
    return ONB_OK;
}

onb_status run_delta(const Delta &delta, Bytes old_bundle, uint8_t *out, onb_detail *detail) {
    uint8_t *heap = out + delta.room_offset();
    auto *factors = reinterpret_cast<float *>(heap + Inflater::heap_size);
    Work work{delta, old_bundle, out, factors, {}, 0, detail};
    if (!work.inflater.start(delta.packed.data, delta.packed.size, heap)) {
        return fail(detail, ONB_MEMORY_TOO_SMALL, "zlib refuses to start", "out_capacity");
    }
    const onb_status status = run_all(&work);
    if (status != ONB_OK) {
        return status;
    }
    if (work.done != delta.new_size || work.inflater.produced() != delta.stream_size || !work.inflater.finished()) {
        return malformed(detail, "stream", text("%llu bytes made", static_cast<unsigned long long>(work.done)),
                         text("%llu, and nothing left over", static_cast<unsigned long long>(delta.new_size)));
    }
    if (!same_digest(sha256(out, static_cast<size_t>(delta.new_size)), delta.new_sha256)) {
        return fail(detail, ONB_DELTA_MALFORMED, "the delta does not make what it names", "header: new_sha256",
                    text("another bundle"), hex(delta.new_sha256, 32));
    }
    return ONB_OK;
}

} // namespace onb
