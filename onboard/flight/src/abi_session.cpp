// The C interface: lines in, products and events out.
#include "abi_checks.hpp"
#include "sizes.hpp"

#include <cstring>

namespace {

using namespace onb;

Session *inner(onb_session *session) {
    auto *s = reinterpret_cast<Session *>(session);
    return s != nullptr && s->magic == session_magic ? s : nullptr;
}

const Session *inner(const onb_session *session) {
    const auto *s = reinterpret_cast<const Session *>(session);
    return s != nullptr && s->magic == session_magic ? s : nullptr;
}

// A failed run leaves the capture incomplete: nothing more is taken until a reset.
onb_status stop_capture(Session *s, onb_status status) {
    s->phase = Phase::failed;
    s->failure = status;
    return status;
}

onb_status wrong_state(Session *s, const char *problem) { return fail(&s->detail, ONB_STATE, problem, "session"); }

onb_status missing(Session *s, const char *field) {
    return fail(&s->detail, ONB_INVALID_ARGUMENT, "no place for the answer", field, text("NULL"));
}

onb_status wrong_size(Session *s, const char *field, uint32_t found, size_t expected) {
    return fail(&s->detail, ONB_STRUCT_SIZE, "struct_size is not that of this library", field, text("%u", found),
                text("%zu", expected));
}

onb_status check_lines(Session *s, const onb_lines *lines) {
    if (lines == nullptr) {
        return fail(&s->detail, ONB_INVALID_ARGUMENT, "no lines were given", "lines", text("NULL"));
    }
    if (lines->struct_size != sizeof(onb_lines)) {
        return wrong_size(s, "lines.struct_size", lines->struct_size, sizeof(onb_lines));
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

void fill_health(const Session &s, onb_health_report *health) {
    const BlockHeap &heap = s.engine.allocator.heap;
    health->engine_in_block = s.engine.in_block ? 1 : 0;
    health->lines_pushed = s.arrived;
    health->lines_delivered = s.counters.lines_delivered;
    health->strips = s.counters.strips;
    health->events = s.events.accepted();
    health->events_dropped = s.events.dropped();
    health->repaired_pixels = s.counters.repaired;
    health->invalid_pixels = s.counters.invalid;
    health->arena_bytes = s.arena_bytes;
    health->arena_high_water = s.core_bytes + heap.high_water();
    health->inference_bytes = s.engine_bytes;
    health->inference_high_water = heap.high_water();
    health->engine_requests = heap.requests();
    health->allocations_after_open = heap.overflows();
    health->line_ns_max = s.counters.line_ns_max;
    health->line_ns_total = s.counters.line_ns_total;
    health->strip_ns_max = s.counters.strip_ns_max;
    health->strip_ns_total = s.counters.strip_ns_total;
    health->scrubs = s.counters.scrubs;
    health->scrub_errors = s.counters.scrub_errors;
    health->body_ns_total = s.counters.body_ns_total;
    health->lines_lacking_bands = s.counters.lacking;
    health->most_lacking_bands = s.counters.most_lacking;
    health->known_answers = s.counters.known_answers;
}

} // namespace

extern "C" {

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
    if (status == ONB_OK && s->phase == Phase::flushing) {
        // Even where the last strip ran as its lines arrived, as without a halo.
        s->events.finish(static_cast<uint32_t>(s->arrived), s->samples);
        s->phase = Phase::done;
    }
    return status;
}

onb_status onb_read_lines(onb_session *session, uint32_t max_lines, onb_products *products) {
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (products == nullptr) {
        return missing(s, "products");
    }
    if (max_lines == 0) {
        return fail(&s->detail, ONB_INVALID_ARGUMENT, "no lines were asked for", "max_lines", text("0"));
    }
    if (products->struct_size != sizeof *products) {
        return wrong_size(s, "products.struct_size", products->struct_size, sizeof *products);
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

onb_status onb_denoise_strip(onb_session *session, onb_radiance *radiance) {
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (radiance == nullptr) {
        return missing(s, "radiance");
    }
    if (radiance->struct_size != sizeof *radiance) {
        return wrong_size(s, "radiance.struct_size", radiance->struct_size, sizeof *radiance);
    }
    if (s->denoising == nullptr) {
        return wrong_state(s, "the session was opened without config.denoise");
    }
    if (s->phase == Phase::failed) {
        return s->failure;
    }
    if (s->products.lines == 0) {
        return ONB_EMPTY;
    }
    const onb_status status = denoise_strip(s);
    if (status != ONB_OK) {
        return status;
    }
    radiance->first_line = s->products.first_line;
    radiance->line_count = s->products.lines;
    radiance->samples = s->samples;
    radiance->bands = s->plan.mf_bands;
    radiance->reserved = 0;
    radiance->band_index = s->constants.filter_bands;
    radiance->radiance = s->denoising->radiance;
    radiance->quality = s->products.quality;
    return ONB_OK;
}

onb_status onb_poll_event(onb_session *session, onb_event *event) {
    Session *s = inner(session);
    if (s == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    if (event == nullptr) {
        return missing(s, "event");
    }
    if (event->struct_size != sizeof *event) {
        return wrong_size(s, "event.struct_size", event->struct_size, sizeof *event);
    }
    return s->events.poll(event) ? ONB_OK : ONB_EMPTY;
}

onb_status onb_health(const onb_session *session, onb_health_report *health) {
    const Session *s = inner(session);
    if (s == nullptr || health == nullptr) {
        return ONB_INVALID_ARGUMENT;
    }
    const uint32_t size = health->struct_size;
    if (!known_health_size(size)) {
        return ONB_STRUCT_SIZE;
    }
    onb_health_report values{};
    fill_health(*s, &values);
    values.struct_size = size;
    memcpy(health, &values, size);
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
    workers_stop(&s->int8.workers);
    engine_stop(&s->engine);
    return ONB_OK;
}

} // extern "C"
