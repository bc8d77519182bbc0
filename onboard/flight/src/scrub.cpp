// Scrubbing: finds what radiation or a stray write has changed in memory that must not change.
#include "session.hpp"

namespace onb {

namespace {

onb_status changed(Session *s, const char *what) {
    ++s->counters.scrub_errors;
    return fail(&s->detail, ONB_CORRUPTED, "memory that must not change has changed", what, text("another hash"),
                text("the hash taken at open"));
}

// Runs the known answer out of the bundle that was opened; it needs a session without a capture.
onb_status answer(Session *s, Bytes file) {
    if (!same_digest(sha256(file.data, file.size), s->bundle_digest.bytes)) {
        return changed(s, "bundle");
    }
    Bundle bundle;
    const onb_status status = read_bundle(file, &bundle, &s->detail);
    const bool fits = status == ONB_OK && s->phase == Phase::taking && s->arrived == 0 &&
                      known_answer_fits(*s, bundle.tables);
    return fits ? run_known_answer(s, bundle.tables) : status;
}

} // namespace

onb_status scrub(Session *s, Bytes file) {
    ++s->counters.scrubs;
    if (!settings_intact(*s)) {
        return changed(s, "settings");
    }
    if (!constants_intact(*s)) {
        return changed(s, "tables");
    }
    if (!int8_intact(s->int8) || !s->engine.allocator.heap.intact()) {
        return changed(s, "weights");
    }
    return file.data == nullptr ? ONB_OK : answer(s, file);
}

} // namespace onb
