// The C interface: bundles, memory, and opening a session.
#include "abi_checks.hpp"
#include "sizes.hpp"

#include <cstring>
#include <new>

namespace {

using namespace onb;

onb_status begin_bundle(const void *data, size_t size, Bundle *bundle, onb_detail *detail) {
    if (data == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no bundle was given", "bundle", text("NULL"), text("its bytes"));
    }
    return read_bundle({static_cast<const uint8_t *>(data), size}, bundle, detail);
}

onb_status find_bytes(const Bundle &bundle, const onb_config &config, uint64_t *core, uint64_t *engine,
                      onb_detail *detail) {
    const onb_status status = check_fit(config, bundle.plan, detail);
    if (status != ONB_OK) {
        return status;
    }
    const Plan &plan = bundle.plan;
    const uint64_t planned = config.denoise != 0 ? plan.denoiser_bytes : plan.inference_bytes;
    *engine = align64(config.inference_bytes != 0 ? config.inference_bytes : planned);
    if (!core_bytes(plan, config, core, bundle.quantized() ? &bundle.int8 : nullptr) || *core > SIZE_MAX / 4 ||
        *engine > SIZE_MAX / 4) {
        return fail(detail, ONB_BUNDLE_PLAN, "the plan asks for more memory than there can be", "plan.bin");
    }
    return ONB_OK;
}

onb_status check_block(const void *memory, size_t size, uint64_t needed, onb_detail *detail) {
    if (memory == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no memory was given", "memory", text("NULL"), text("a block"));
    }
    if (reinterpret_cast<uintptr_t>(memory) % ONB_ALIGNMENT != 0) {
        return fail(detail, ONB_MEMORY_UNALIGNED, "the memory block is not aligned", "memory",
                    text("%zu bytes past a multiple of %u", reinterpret_cast<uintptr_t>(memory) % ONB_ALIGNMENT,
                         ONB_ALIGNMENT),
                    text("a multiple of %u", ONB_ALIGNMENT));
    }
    if (size < needed) {
        return fail(detail, ONB_MEMORY_TOO_SMALL, "the memory block is too small", "memory_size",
                    text("%zu bytes", size), text("%llu bytes", static_cast<unsigned long long>(needed)));
    }
    return ONB_OK;
}

Session *place_session(const Bundle &bundle, const onb_config &config, void *memory, size_t size, uint64_t core,
                       uint64_t engine) {
    Arena arena(memory, size);
    auto *s = new (arena.take<Session>(1)) Session{};
    s->plan = bundle.plan;
    s->config = config;
    s->config.trusted_keys = nullptr; // the caller's, and not needed any more
    s->config.trusted_key_count = 0;
    s->config.target = nullptr;
    s->detail.struct_size = sizeof(onb_detail);
    s->kernels = &kernels();
    s->arena_bytes = core + engine;
    s->core_bytes = core;
    s->engine_bytes = engine;
    s->int8.net = bundle.quantized() ? &bundle.int8 : nullptr;
    lay_out(s, &arena);
    return s;
}

// Stem and body once, on what lies in their inputs.
onb_status run_networks(Session *s) {
    const onb_status status = engine_run(&s->engine, &s->engine.stem, &s->detail);
    if (status != ONB_OK || s->engine.body.session != nullptr) {
        return status == ONB_OK ? engine_run(&s->engine, &s->engine.body, &s->detail) : status;
    }
    const auto first = static_cast<int32_t>(s->plan.halo_lines);
    const Int8Range lines = {first, first + static_cast<int32_t>(s->plan.strip_lines)};
    const Int8Range samples = {0, static_cast<int32_t>(s->plan.body_samples)};
    run_int8(&s->int8, {s->window.bytes, s->byte_pitch(), lines, samples, s->body_output});
    return ONB_OK;
}

// Everything that costs time or memory once happens here, before the first line.
onb_status warm_up(Session *s, const Bundle &bundle) {
    session_reset(s, s->config.samples);
    memset(s->stem_input, 0, s->engine.stem.input.bytes());
    if (!s->quantized()) {
        memset(s->body_input, 0, s->engine.body.input.bytes());
    }
    if (s->engine.denoiser != nullptr) {
        memset(s->engine.denoiser->input.data, 0, s->engine.denoiser->input.bytes());
    }
    for (int round = 0; round < 2; ++round) { // the second run uses the memory pattern of the first
        onb_status status = run_networks(s);
        if (status == ONB_OK && s->engine.denoiser != nullptr) {
            status = engine_run(&s->engine, s->engine.denoiser, &s->detail);
        }
        if (status != ONB_OK) {
            return status;
        }
    }
    const BlockHeap &heap = s->engine.allocator.heap;
    if (heap.overflows() > 0) {
        return fail(&s->detail, ONB_ENGINE_FAILED, "the engine's part of the block is too small", "inference_bytes",
                    text("%llu bytes", static_cast<unsigned long long>(s->engine_bytes)),
                    text("about %llu bytes", static_cast<unsigned long long>(s->engine_bytes + heap.overflow_bytes())));
    }
    if (s->config.known_answer != 0 && known_answer_fits(*s, bundle.tables)) {
        return run_known_answer(s, bundle.tables);
    }
    return ONB_OK;
}

onb_status start(Session *s, const Bundle &bundle, void *memory) {
    load_constants(s, bundle.tables);
    if (s->int8.net != nullptr) {
        load_int8(&s->int8, bundle.int8);
        s->int8.net = nullptr; // the caller's bundle may go once the session is open
        if (!workers_start(&s->int8.workers, s->config.threads)) {
            return fail(&s->detail, ONB_ENGINE_FAILED, "the system has no threads to give", "config.threads",
                        text("%u", s->config.threads), text("fewer"));
        }
    }
    s->bundle_digest = sha256(bundle.container.file.data, bundle.container.file.size);
    void *engine_block = static_cast<uint8_t *>(memory) + s->core_bytes;
    onb_status status = engine_start(&s->engine, s->config, engine_block, s->engine_bytes, &s->detail);
    s->config.engine_library = nullptr;
    seal_settings(s);
    if (status == ONB_OK) {
        status = engine_build(&s->engine, bundle.tables, &s->detail);
    }
    if (status == ONB_OK) {
        s->engine.allocator.heap.seal();
        status = warm_up(s, bundle);
    }
    s->engine.allocator.heap.forget_requests();
    return status;
}

// Fills as much of the description as the caller's header knows.
void describe(const Bundle &bundle, onb_bundle_description *info) {
    onb_bundle_description values{};
    const uint32_t size = info->struct_size;
    values.struct_size = size;
    values.format_version = 1;
    values.sequence = bundle.container.sequence;
    memcpy(values.key_id, bundle.container.key_id, sizeof values.key_id);
    values.is_signed = bundle.container.is_signed ? 1 : 0;
    values.part_count = bundle.container.part_count;
    values.bands = bundle.plan.bands;
    values.mf_bands = bundle.plan.mf_bands;
    values.minerals = bundle.plan.minerals;
    values.strip_lines = bundle.plan.strip_lines;
    values.halo_lines = bundle.plan.halo_lines;
    values.known_lines = bundle.plan.known_lines;
    values.known_samples = bundle.plan.known_samples;
    values.products = bundle.plan.products;
    values.inference_bytes = bundle.plan.inference_bytes;
    values.manifest = bundle.tables.manifest.data;
    values.manifest_size = bundle.tables.manifest.size;
    values.band_table = bundle.tables.bands.data;
    values.band_table_size = bundle.tables.bands.size;
    values.expires_unix_s = bundle.limits.expires_unix_s;
    memcpy(values.target, bundle.limits.target, sizeof values.target);
    values.has_denoiser = bundle.plan.denoiser_samples != 0 ? 1 : 0;
    values.denoiser_inference_bytes = bundle.plan.denoiser_bytes;
    memcpy(info, &values, size);
}

} // namespace

extern "C" {

onb_status onb_bundle_verify(const void *data, size_t size, const onb_config *config, onb_detail *detail) {
    if (!detail_begin(detail)) {
        return ONB_STRUCT_SIZE;
    }
    Bundle bundle;
    onb_config own;
    onb_status status = take_trust_config(config, &own, detail);
    if (status == ONB_OK) {
        status = begin_bundle(data, size, &bundle, detail);
    }
    return status == ONB_OK ? check_flyable(bundle, own, nullptr, detail) : status;
}

onb_status onb_bundle_info(const void *data, size_t size, onb_bundle_description *info, onb_detail *detail) {
    if (!detail_begin(detail) || (info != nullptr && !known_description_size(info->struct_size))) {
        return ONB_STRUCT_SIZE;
    }
    if (info == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no place for the description", "info", text("NULL"));
    }
    Bundle bundle;
    const onb_status status = begin_bundle(data, size, &bundle, detail);
    if (status != ONB_OK) {
        return status;
    }
    describe(bundle, info);
    return ONB_OK;
}

onb_status onb_memory_required(const void *data, size_t size, const onb_config *config, size_t *bytes,
                               onb_detail *detail) {
    if (!detail_begin(detail)) {
        return ONB_STRUCT_SIZE;
    }
    if (bytes == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no place for the size", "bytes", text("NULL"));
    }
    Bundle bundle;
    uint64_t core = 0;
    uint64_t engine = 0;
    onb_config own;
    onb_status status = take_config(config, &own, detail);
    if (status == ONB_OK) {
        status = begin_bundle(data, size, &bundle, detail);
    }
    if (status == ONB_OK) {
        status = find_bytes(bundle, own, &core, &engine, detail);
    }
    if (status == ONB_OK) {
        *bytes = static_cast<size_t>(core + engine);
    }
    return status;
}

onb_status onb_open(const void *data, size_t size, const onb_config *config, void *memory, size_t memory_size,
                    onb_session **session, onb_detail *detail) {
    if (session != nullptr) {
        *session = nullptr;
    }
    if (!detail_begin(detail)) {
        return ONB_STRUCT_SIZE;
    }
    if (session == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no place for the session", "session", text("NULL"));
    }
    Bundle bundle;
    uint64_t core = 0;
    uint64_t engine = 0;
    onb_config own;
    onb_status status = take_config(config, &own, detail);
    if (status == ONB_OK) {
        status = begin_bundle(data, size, &bundle, detail);
    }
    if (status == ONB_OK) {
        status = check_flyable(bundle, own, nullptr, detail);
    }
    if (status == ONB_OK) {
        status = find_bytes(bundle, own, &core, &engine, detail);
    }
    if (status == ONB_OK) {
        status = check_block(memory, memory_size, core + engine, detail);
    }
    if (status != ONB_OK) {
        return status;
    }
    Session *s = place_session(bundle, own, memory, memory_size, core, engine);
    status = start(s, bundle, memory);
    if (status != ONB_OK) {
        if (detail != nullptr) {
            *detail = s->detail;
        }
        workers_stop(&s->int8.workers);
        engine_stop(&s->engine);
        return status;
    }
    s->magic = session_magic;
    *session = reinterpret_cast<onb_session *>(s);
    return ONB_OK;
}

} // extern "C"
