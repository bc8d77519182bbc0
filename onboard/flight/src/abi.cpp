// The C interface: checks what callers hand over, and keeps the order of calls.
#include "session.hpp"

#include <cmath>
#include <cstring>
#include <new>

namespace {

using namespace onb;

constexpr uint64_t session_magic = UINT64_C(0x6f6e622d6f70656e);
constexpr uint32_t most_samples = 65536;

const char *const status_texts[ONB_STATUS_COUNT] = {
    "ok",
    "read the queued products and events, then call again",
    "nothing queued",
    "a null pointer, or a value outside its limits",
    "struct_size is not that of this library",
    "not allowed now",
    "the memory block is too small",
    "the memory block is not aligned",
    "the bundle is malformed",
    "the bundle is damaged",
    "the bundle has an unknown version",
    "the bundle is not signed",
    "the bundle is signed by an untrusted key",
    "the bundle's signature does not fit",
    "the bundle is older than allowed",
    "the bundle's plan cannot be flown",
    "the bundle's graphs do not fit its plan",
    "the inference engine is missing",
    "the inference engine failed",
    "the known answer was not reproduced",
    "memory that must not change has changed",
};

Session *inner(onb_session *session) {
    auto *s = reinterpret_cast<Session *>(session);
    return s != nullptr && s->magic == session_magic ? s : nullptr;
}

const Session *inner(const onb_session *session) {
    const auto *s = reinterpret_cast<const Session *>(session);
    return s != nullptr && s->magic == session_magic ? s : nullptr;
}

onb_status bad_config(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_INVALID_ARGUMENT, "the configuration cannot be used", field, found, expected);
}

// What every call with a configuration needs of it.
onb_status check_trust_config(const onb_config *config, onb_detail *detail) {
    if (config == nullptr) {
        return bad_config(detail, "config", text("NULL"), text("a configuration"));
    }
    if (config->struct_size != sizeof(onb_config)) {
        return fail(detail, ONB_STRUCT_SIZE, "struct_size is not that of this library", "config.struct_size",
                    text("%u", config->struct_size), text("%zu", sizeof(onb_config)));
    }
    if (config->trusted_key_count > 0 && config->trusted_keys == nullptr) {
        return bad_config(detail, "config.trusted_keys", text("NULL"), text("%u keys", config->trusted_key_count));
    }
    return ONB_OK;
}

onb_status check_config(const onb_config *config, onb_detail *detail) {
    const onb_status status = check_trust_config(config, detail);
    if (status != ONB_OK) {
        return status;
    }
    if (config->samples < 1 || config->samples > most_samples) {
        return bad_config(detail, "config.samples", text("%u", config->samples), text("1 to %u", most_samples));
    }
    if (config->threads < 1 || config->threads > 64) {
        return bad_config(detail, "config.threads", text("%u", config->threads), text("1 to 64"));
    }
    if (config->event_queue < 1 || config->event_queue > 65536) {
        return bad_config(detail, "config.event_queue", text("%u", config->event_queue), text("1 to 65536"));
    }
    if (!std::isfinite(config->pixel_size_m) || config->pixel_size_m <= 0.0) {
        return bad_config(detail, "config.pixel_size_m", text("%g", config->pixel_size_m), text("above 0"));
    }
    if (config->inference_bytes > (UINT64_C(1) << 40)) {
        return bad_config(detail, "config.inference_bytes",
                          text("%llu", static_cast<unsigned long long>(config->inference_bytes)), text("at most 2^40"));
    }
    return ONB_OK;
}

// What configuration and plan must agree on.
onb_status check_fit(const onb_config &config, const Plan &plan, onb_detail *detail) {
    if (config.products == 0 || (config.products & ~plan.products) != 0) {
        return bad_config(detail, "config.products", text("%u", config.products),
                          text("a sum of what the bundle makes: %u", plan.products));
    }
    if (config.samples > plan.body_samples && plan.body_samples <= 2 * plan.halo_lines) {
        return bad_config(detail, "config.samples", text("%u", config.samples),
                          text("at most %u: the bundle's body is too narrow for panels", plan.body_samples));
    }
    return ONB_OK;
}

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
    *engine = align64(config.inference_bytes != 0 ? config.inference_bytes : bundle.plan.inference_bytes);
    if (!core_bytes(bundle.plan, config, core) || *core > SIZE_MAX / 4 || *engine > SIZE_MAX / 4) {
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
    s->detail.struct_size = sizeof(onb_detail);
    s->kernels = &kernels();
    s->arena_bytes = core + engine;
    s->core_bytes = core;
    s->engine_bytes = engine;
    lay_out(s, &arena);
    return s;
}

// Everything that costs time or memory once happens here, before the first line.
onb_status warm_up(Session *s, const Bundle &bundle) {
    session_reset(s, s->config.samples);
    memset(s->stem_input, 0, s->engine.stem.input.bytes());
    memset(s->body_input, 0, s->engine.body.input.bytes());
    for (int round = 0; round < 2; ++round) { // the second run uses the memory pattern of the first
        onb_status status = engine_run(&s->engine, &s->engine.stem, &s->detail);
        if (status == ONB_OK) {
            status = engine_run(&s->engine, &s->engine.body, &s->detail);
        }
        if (status != ONB_OK) {
            return status;
        }
    }
    if (s->config.known_answer != 0 && known_answer_fits(*s, bundle.tables)) {
        return run_known_answer(s, bundle.tables);
    }
    return ONB_OK;
}

onb_status start(Session *s, const Bundle &bundle, void *memory) {
    load_constants(s, bundle.tables);
    s->bundle_digest = sha256(bundle.container.file.data, bundle.container.file.size);
    void *engine_block = static_cast<uint8_t *>(memory) + s->core_bytes;
    onb_status status = engine_start(&s->engine, s->config, engine_block, s->engine_bytes, &s->detail);
    s->config.engine_library = nullptr;
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

// A failed run leaves the capture incomplete: nothing more is taken until a reset.
onb_status stop_capture(Session *s, onb_status status) {
    s->phase = Phase::failed;
    s->failure = status;
    return status;
}

onb_status wrong_state(Session *s, const char *problem) { return fail(&s->detail, ONB_STATE, problem, "session"); }

onb_status check_lines(Session *s, const onb_lines *lines) {
    if (lines == nullptr) {
        return fail(&s->detail, ONB_INVALID_ARGUMENT, "no lines were given", "lines", text("NULL"));
    }
    if (lines->struct_size != sizeof(onb_lines)) {
        return fail(&s->detail, ONB_STRUCT_SIZE, "struct_size is not that of this library", "lines.struct_size",
                    text("%u", lines->struct_size), text("%zu", sizeof(onb_lines)));
    }
    if (lines->line_count > 0 && lines->radiance == nullptr) {
        return fail(&s->detail, ONB_INVALID_ARGUMENT, "no radiance was given", "lines.radiance", text("NULL"));
    }
    if (reinterpret_cast<uintptr_t>(lines->radiance) % alignof(float) != 0) {
        return fail(&s->detail, ONB_INVALID_ARGUMENT, "radiance is not aligned", "lines.radiance");
    }
    if (s->phase == Phase::failed) {
        return s->failure;
    }
    return s->phase == Phase::taking ? ONB_OK : wrong_state(s, "lines after a flush need a reset first");
}

// Runs a strip if one is due and there is room for what it makes.
onb_status try_strip(Session *s) {
    if (!strip_due(*s)) {
        return ONB_OK;
    }
    if (!queues_empty(*s)) {
        return ONB_AGAIN;
    }
    const onb_status status = run_strip(s);
    return status == ONB_OK ? ONB_OK : stop_capture(s, status);
}

onb_status push_line(Session *s, const onb_lines &lines, uint32_t index) {
    const size_t values = static_cast<size_t>(s->samples) * s->plan.bands;
    if (s->arrived >= UINT32_MAX - 1) {
        return wrong_state(s, "line numbers are used up: flush and reset");
    }
    const uint8_t quality = lines.line_quality == nullptr ? uint8_t{0} : lines.line_quality[index];
    const onb_status status = ingest_line(s, lines.radiance + index * values, quality);
    return status == ONB_OK ? ONB_OK : stop_capture(s, status);
}

} // namespace

extern "C" {

const char *onb_version(void) { return ONB_VERSION_STRING; }

uint32_t onb_abi_version(void) { return ONB_ABI_VERSION; }

const char *onb_status_text(onb_status status) {
    const auto index = static_cast<uint32_t>(status);
    return index < ONB_STATUS_COUNT ? status_texts[index] : "unknown status";
}

onb_status onb_config_default(onb_config *config, size_t config_size) {
    if (config == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (config_size != sizeof(onb_config)) {
        return ONB_STRUCT_SIZE;
    }
    *config = onb_config{};
    config->struct_size = sizeof(onb_config);
    config->threads = 2;
    config->products = ONB_PRODUCT_METHANE | ONB_PRODUCT_MINERALS;
    config->pixel_size_m = 60.0;
    config->known_answer = 1;
    config->event_queue = 1024;
    return ONB_OK;
}

onb_status onb_bundle_verify(const void *data, size_t size, const onb_config *config, onb_detail *detail) {
    if (!detail_begin(detail)) {
        return ONB_STRUCT_SIZE;
    }
    Bundle bundle;
    onb_status status = check_trust_config(config, detail);
    if (status == ONB_OK) {
        status = begin_bundle(data, size, &bundle, detail);
    }
    return status == ONB_OK ? check_trust(bundle.container, *config, detail) : status;
}

onb_status onb_bundle_info(const void *data, size_t size, onb_bundle_description *info, onb_detail *detail) {
    if (!detail_begin(detail) || (info != nullptr && info->struct_size != sizeof *info)) {
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
    *info = onb_bundle_description{};
    info->struct_size = sizeof *info;
    info->format_version = 1;
    info->sequence = bundle.container.sequence;
    memcpy(info->key_id, bundle.container.key_id, sizeof info->key_id);
    info->is_signed = bundle.container.is_signed ? 1 : 0;
    info->part_count = bundle.container.part_count;
    info->bands = bundle.plan.bands;
    info->mf_bands = bundle.plan.mf_bands;
    info->minerals = bundle.plan.minerals;
    info->strip_lines = bundle.plan.strip_lines;
    info->halo_lines = bundle.plan.halo_lines;
    info->known_lines = bundle.plan.known_lines;
    info->known_samples = bundle.plan.known_samples;
    info->products = bundle.plan.products;
    info->inference_bytes = bundle.plan.inference_bytes;
    info->manifest = bundle.tables.manifest.data;
    info->manifest_size = bundle.tables.manifest.size;
    info->band_table = bundle.tables.bands.data;
    info->band_table_size = bundle.tables.bands.size;
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
    onb_status status = check_config(config, detail);
    if (status == ONB_OK) {
        status = begin_bundle(data, size, &bundle, detail);
    }
    if (status == ONB_OK) {
        status = find_bytes(bundle, *config, &core, &engine, detail);
    }
    if (status == ONB_OK) {
        *bytes = static_cast<size_t>(core + engine);
    }
    return status;
}

onb_status onb_open(const void *data, size_t size, const onb_config *config, void *memory, size_t memory_size,
                    onb_session **session, onb_detail *detail) {
    if (!detail_begin(detail)) {
        return ONB_STRUCT_SIZE;
    }
    if (session == nullptr) {
        return fail(detail, ONB_INVALID_ARGUMENT, "no place for the session", "session", text("NULL"));
    }
    *session = nullptr;
    Bundle bundle;
    uint64_t core = 0;
    uint64_t engine = 0;
    onb_status status = check_config(config, detail);
    if (status == ONB_OK) {
        status = begin_bundle(data, size, &bundle, detail);
    }
    if (status == ONB_OK) {
        status = check_trust(bundle.container, *config, detail);
    }
    if (status == ONB_OK) {
        status = find_bytes(bundle, *config, &core, &engine, detail);
    }
    if (status == ONB_OK) {
        status = check_block(memory, memory_size, core + engine, detail);
    }
    if (status != ONB_OK) {
        return status;
    }
    Session *s = place_session(bundle, *config, memory, memory_size, core, engine);
    status = start(s, bundle, memory);
    if (status != ONB_OK) {
        if (detail != nullptr) {
            *detail = s->detail;
        }
        engine_stop(&s->engine);
        return status;
    }
    s->magic = session_magic;
    *session = reinterpret_cast<onb_session *>(s);
    return ONB_OK;
}

onb_status onb_push_lines(onb_session *session, const onb_lines *lines, uint32_t *consumed) {
    Session *s = inner(session);
    if (s == nullptr || consumed == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    *consumed = 0;
    onb_status status = check_lines(s, lines);
    while (status == ONB_OK && *consumed < lines->line_count) {
        status = try_strip(s);
        if (status == ONB_OK) {
            status = push_line(s, *lines, *consumed);
        }
        if (status == ONB_OK) {
            ++*consumed;
        }
    }
    if (status == ONB_OK && queues_empty(*s)) {
        status = try_strip(s);
    }
    return status;
}

onb_status onb_flush(onb_session *session) {
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (s->phase == Phase::failed) {
        return s->failure;
    }
    if (s->phase == Phase::taking) {
        s->phase = Phase::flushing;
    }
    onb_status status = ONB_OK;
    while (status == ONB_OK && strip_due(*s)) {
        status = try_strip(s);
    }
    if (status == ONB_OK) {
        s->phase = Phase::done;
    }
    return status;
}

onb_status onb_read_lines(onb_session *session, uint32_t max_lines, onb_products *products) {
    Session *s = inner(session);
    if (s == nullptr || products == nullptr || max_lines == 0) {
        return ONB_INVALID_ARGUMENT;
    }
    if (products->struct_size != sizeof *products) {
        return ONB_STRUCT_SIZE;
    }
    ProductQueue &queue = s->products;
    const uint32_t rest = queue.lines - queue.delivered;
    if (rest == 0) {
        return ONB_EMPTY;
    }
    const size_t at = s->plane(queue.delivered);
    products->first_line = queue.first_line + queue.delivered;
    products->line_count = rest < max_lines ? rest : max_lines;
    products->samples = s->samples;
    products->minerals = s->plan.minerals;
    products->reserved = 0;
    products->mineral_stride = s->plane(s->plan.strip_lines);
    products->plume_probability = queue.probability + at;
    products->ch4_enhancement = queue.enhancement + at;
    products->ch4_sigma = queue.sigma + at;
    products->mineral_probability = queue.minerals + at;
    products->plume_mask = queue.mask + at;
    products->quality = queue.quality + at;
    queue.delivered += products->line_count;
    s->counters.lines_delivered += products->line_count;
    return ONB_OK;
}

onb_status onb_poll_event(onb_session *session, onb_event *event) {
    Session *s = inner(session);
    if (s == nullptr || event == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (event->struct_size != sizeof *event) {
        return ONB_STRUCT_SIZE;
    }
    return s->events.poll(event) ? ONB_OK : ONB_EMPTY;
}

onb_status onb_health(const onb_session *session, onb_health_report *health) {
    const Session *s = inner(session);
    if (s == nullptr || health == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (health->struct_size != sizeof *health) {
        return ONB_STRUCT_SIZE;
    }
    const BlockHeap &heap = s->engine.allocator.heap;
    *health = onb_health_report{};
    health->struct_size = sizeof *health;
    health->engine_in_block = s->engine.in_block ? 1 : 0;
    health->lines_pushed = s->arrived;
    health->lines_delivered = s->counters.lines_delivered;
    health->strips = s->counters.strips;
    health->events = s->events.accepted();
    health->events_dropped = s->events.dropped();
    health->repaired_pixels = s->counters.repaired;
    health->invalid_pixels = s->counters.invalid;
    health->arena_bytes = s->arena_bytes;
    health->arena_high_water = s->core_bytes + heap.high_water();
    health->inference_bytes = s->engine_bytes;
    health->inference_high_water = heap.high_water();
    health->engine_requests = heap.requests();
    health->engine_refusals = heap.refusals();
    health->line_ns_max = s->counters.line_ns_max;
    health->line_ns_total = s->counters.line_ns_total;
    health->strip_ns_max = s->counters.strip_ns_max;
    health->strip_ns_total = s->counters.strip_ns_total;
    health->scrubs = s->counters.scrubs;
    health->scrub_errors = s->counters.scrub_errors;
    return ONB_OK;
}

onb_status onb_last_detail(const onb_session *session, onb_detail *detail) {
    const Session *s = inner(session);
    if (s == nullptr || detail == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (detail->struct_size != sizeof *detail) {
        return ONB_STRUCT_SIZE;
    }
    *detail = s->detail;
    return ONB_OK;
}

onb_status onb_scrub(onb_session *session, const void *bundle, size_t bundle_size) {
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    return scrub(s, {static_cast<const uint8_t *>(bundle), bundle_size});
}

onb_status onb_reset(onb_session *session) {
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    session_reset(s, s->config.samples);
    return ONB_OK;
}

onb_status onb_close(onb_session *session) {
    if (session == nullptr) {
        return ONB_OK;
    }
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    s->magic = 0;
    engine_stop(&s->engine);
    return ONB_OK;
}

} // extern "C"
