#include "session.hpp"

#include <cmath>
#include <cstring>
#include <ctime>

namespace onb {

namespace {

// What the known answer may differ by: vector units round in another order.
constexpr float probability_tolerance = 0.02f;
constexpr float enhancement_tolerance = 2.0f; // ppm m, and beside it:
constexpr float enhancement_share = 0.005f;

size_t largest(size_t a, size_t b) { return a > b ? a : b; }

void lay_out_constants(Session *s, Arena *arena) {
    const Plan &plan = s->plan;
    Constants &c = s->constants;
    const uint64_t points = plan.curve_points;
    const uint64_t start = arena->used();
    c.inverse_reference = arena->take<float>(plan.bands);
    c.filter_bands = arena->take<uint32_t>(s->filter_pitch);
    c.class_bands = arena->take<uint32_t>(plan.class_bands);
    c.class_centres = arena->take<int32_t>(static_cast<uint64_t>(plan.class_bands) * s->class_pitch());
    c.gas.points = plan.curve_points;
    c.gas.bands = plan.mf_bands;
    c.gas.alphas = arena->take<double>(points);
    c.gas.lines = arena->take<double>(points * plan.mf_bands);
    c.gas.target = arena->take<double>(plan.mf_bands);
    c.gas.noise_one = arena->take<double>(plan.mf_bands);
    c.gas.noise_two = arena->take<double>(plan.mf_bands);
    c.begin = reinterpret_cast<const uint8_t *>(c.inverse_reference);
    c.size = static_cast<size_t>(arena->used() - start);
}

void lay_out_statistics(Session *s, Statistics *statistics, Arena *arena) {
    const uint64_t samples = s->samples;
    const uint64_t pitch = s->filter_pitch;
    statistics->mean = arena->take<double>(samples * pitch);
    statistics->feature_mean = arena->take<double>(samples * s->plan.dynamic_features);
    statistics->weight = arena->take<double>(samples);
    statistics->scatter = arena->take<double>(pitch * pitch);
    statistics->feature_scatter = arena->take<double>(s->plan.dynamic_features);
    const uint64_t classes = s->plan.ground_classes;
    statistics->class_scatter = arena->take<double>(classes * pitch * pitch);
    statistics->class_sum = arena->take<double>(classes * pitch);
    statistics->class_kept_sum = arena->take<double>(classes * pitch);
    statistics->class_count = arena->take<double>(classes);
    statistics->class_kept_count = arena->take<double>(classes);
    statistics->lacking.lines = arena->take<double>(s->plan.mf_bands);
}

// The filters, one a class of ground; `chosen` is what the covariance takes of a batch at most.
void lay_out_filters(Session *s, uint64_t chosen, Arena *arena) {
    FilterScratch &scratch = s->scratch;
    const uint32_t classes = s->plan.ground_classes;
    scratch.filters = arena->take<BandFilter>(s->filters());
    float *const weights = arena->take<float>(s->filters() * s->filter_pitch);
    for (uint32_t k = 0; weights != nullptr && k < s->filters(); ++k) {
        scratch.filters[k].weights = weights + k * s->filter_pitch;
    }
    scratch.class_mean = arena->take<double>(classes > 0 ? s->filter_pitch : 0);
    scratch.class_pixels = arena->take<uint32_t>(classes > 0 ? chosen : 0);
    scratch.class_starts = arena->take<uint32_t>(classes > 0 ? classes + 1 : 0);
}

void lay_out_scratch(Session *s, Arena *arena) {
    const uint64_t samples = s->samples;
    const uint64_t pitch = s->filter_pitch;
    const uint64_t features = s->plan.dynamic_features;
    FilterScratch &scratch = s->scratch;
    scratch.sums = arena->take<int32_t>(samples * pitch);
    scratch.feature_sums = arena->take<double>(samples * features);
    scratch.counts = arena->take<uint32_t>(samples);
    scratch.used = arena->take<float>(samples * pitch);
    scratch.used_features = arena->take<float>(samples * features);
    scratch.overall = arena->take<double>(largest(pitch, features));
    scratch.system = arena->take<double>(pitch * pitch);
    scratch.solution = arena->take<double>(pitch);
    scratch.rows = arena->take<float>(FilterScratch::batch * pitch);
    const uint64_t stride = s->plan.covariance_stride;
    const uint64_t chosen = s->plan.first_lines() * ((samples + stride - 1) / stride);
    scratch.magnitudes = arena->take<float>(chosen);
    lay_out_filters(s, chosen, arena);
}

void lay_out_window(Session *s, Arena *arena) {
    const Plan &plan = s->plan;
    Window &window = s->window;
    const uint64_t samples = s->samples;
    const uint64_t pixels = samples * plan.body_lines;
    window.pitch = largest(samples, plan.body_samples);
    window.channels = arena->take<float>(static_cast<uint64_t>(plan.channels()) * plan.body_lines * window.pitch);
    window.brightness = arena->take<float>(pixels);
    window.enhancement = arena->take<float>(pixels);
    window.sigma = arena->take<float>(pixels);
    window.quality = arena->take<uint8_t>(pixels);
    window.keep = arena->take<uint8_t>(pixels);
    window.counts = arena->take<int16_t>(s->ring_lines() * samples * s->filter_pitch);
    window.classes = arena->take<uint8_t>(plan.ground_classes > 0 ? s->ring_lines() * samples : 0);
}

void lay_out_products(Session *s, Arena *arena) {
    const uint64_t pixels = static_cast<uint64_t>(s->samples) * s->plan.strip_lines;
    ProductQueue &products = s->products;
    products.probability = arena->take<float>(pixels);
    products.enhancement = arena->take<float>(pixels);
    products.sigma = arena->take<float>(pixels);
    products.minerals = arena->take<float>(pixels * s->plan.minerals);
    products.mask = arena->take<uint8_t>(pixels);
    products.quality = arena->take<uint8_t>(pixels);
}

void lay_out_tensors(Session *s, Arena *arena) {
    const Plan &plan = s->plan;
    const uint64_t body_pixels = static_cast<uint64_t>(plan.body_lines) * plan.body_samples;
    s->stem_input = arena->take<float>(static_cast<uint64_t>(plan.stem_pixels) * plan.bands);
    s->stem_output = arena->take<float>(static_cast<uint64_t>(plan.stem_pixels) * plan.features());
    s->body_output = arena->take<float>(plan.outputs() * body_pixels);
    const bool panels = s->samples > plan.body_samples && s->int8.net == nullptr;
    s->body_input = panels ? arena->take<float>(plan.channels() * body_pixels) : s->window.channels;
    s->engine.stem.part = "stem.onnx";
    s->engine.stem.input = {"log_radiance", s->stem_input, 2, {plan.stem_pixels, plan.bands, 0, 0}};
    s->engine.stem.output = {"features", s->stem_output, 2, {plan.stem_pixels, plan.features(), 0, 0}};
    s->engine.body.part = "body.onnx";
    s->engine.body.input = {"features", s->body_input, 4, {1, plan.channels(), plan.body_lines, plan.body_samples}};
    s->engine.body.output = {"logits", s->body_output, 4, {1, plan.outputs(), plan.body_lines, plan.body_samples}};
}

void lay_out_quantized(Session *s, Arena *arena) {
    if (s->int8.net == nullptr) {
        return;
    }
    const Plan &plan = s->plan;
    lay_out_int8(&s->int8, *s->int8.net,
                 {plan.body_lines, plan.body_samples, plan.halo_lines, plan.strip_lines, s->config.threads}, arena);
    s->window.bytes = arena->take<uint8_t>(plan.body_lines * static_cast<uint64_t>(s->byte_pitch()) +
                                           pixel_slack * s->int8.plane_channels);
}

void clear_statistics(const Session &s, Statistics *statistics) {
    const size_t pitch = s.filter_pitch;
    memset(statistics->mean, 0, s.samples * pitch * sizeof(double));
    memset(statistics->feature_mean, 0, s.samples * s.plan.dynamic_features * sizeof(double));
    memset(statistics->weight, 0, s.samples * sizeof(double));
    memset(statistics->scatter, 0, pitch * pitch * sizeof(double));
    memset(statistics->feature_scatter, 0, s.plan.dynamic_features * sizeof(double));
    statistics->count = statistics->lacking.all = 0.0;
    memset(statistics->lacking.lines, 0, s.plan.mf_bands * sizeof(double));
    const size_t classes = s.plan.ground_classes;
    if (classes > 0) {
        memset(statistics->class_scatter, 0, classes * pitch * pitch * sizeof(double));
        memset(statistics->class_sum, 0, classes * pitch * sizeof(double));
        memset(statistics->class_kept_sum, 0, classes * pitch * sizeof(double));
        memset(statistics->class_count, 0, classes * sizeof(double));
        memset(statistics->class_kept_count, 0, classes * sizeof(double));
    }
}

void clear_window(Session *s) {
    const Plan &plan = s->plan;
    const size_t pixels = static_cast<size_t>(plan.body_lines) * s->samples;
    memset(s->window.channels, 0,
           static_cast<size_t>(plan.channels()) * plan.body_lines * s->window.pitch * sizeof(float));
    memset(s->window.brightness, 0, pixels * sizeof(float));
    memset(s->window.enhancement, 0, pixels * sizeof(float));
    memset(s->window.sigma, 0, pixels * sizeof(float));
    memset(s->window.quality, 0, pixels);
    memset(s->window.counts, 0, s->ring_lines() * s->samples * s->filter_pitch * sizeof(int16_t));
    memset(s->scratch.filters[0].weights, 0, s->filters() * s->filter_pitch * sizeof(float));
    if (plan.ground_classes > 0) {
        memset(s->window.classes, 0, s->ring_lines() * s->samples);
    }
    for (uint32_t row = 0; s->quantized() && row < plan.body_lines; ++row) {
        int8_clear_line(s->int8, s->window.pitch, s->byte_row(row));
    }
}

// What pads the classes is the first of them again: never nearer than itself, so never chosen.
void load_classes(Session *s, const ClassPlan &plan) {
    const uint32_t pitch = s->class_pitch();
    for (uint32_t b = 0; b < plan.bands; ++b) {
        s->constants.class_bands[b] = read_u32(plan.band_index + 4 * static_cast<size_t>(b));
        for (uint32_t k = 0; k < pitch; ++k) {
            const size_t from = static_cast<size_t>(k < plan.classes ? k : 0) * plan.bands + b;
            s->constants.class_centres[b * pitch + k] = read_i16(plan.centres + 2 * from);
        }
    }
}

onb_status differs(Session *s, const char *what, uint64_t line, size_t sample, float found, float expected) {
    return fail(&s->detail, ONB_KNOWN_ANSWER, "the known input no longer gives the known output",
                text("%s, line %llu, sample %zu", what, static_cast<unsigned long long>(line), sample).chars,
                text("%g", static_cast<double>(found)), text("%g", static_cast<double>(expected)));
}

// Holds the queued lines against the known output: [line][plume probability, enhancement][sample].
onb_status compare_queue(Session *s, const Tables &tables) {
    const ProductQueue &products = s->products;
    for (uint32_t i = 0; i < products.lines; ++i) {
        const uint64_t line = products.first_line + i;
        const uint8_t *expected = tables.known_output.data + line * 2 * s->samples * sizeof(float);
        for (size_t c = 0; c < s->samples; ++c) {
            const float probability = read_f32(expected + c * sizeof(float));
            const float alpha = read_f32(expected + (s->samples + c) * sizeof(float));
            const float got = products.probability[s->plane(i) + c];
            const float got_alpha = products.enhancement[s->plane(i) + c];
            if (!(std::fabs(got - probability) <= probability_tolerance)) {
                return differs(s, "plume probability", line, c, got, probability);
            }
            const bool both_nan = std::isnan(alpha) && std::isnan(got_alpha);
            const float slack = enhancement_tolerance + enhancement_share * std::fabs(alpha);
            if (!both_nan && !(std::fabs(got_alpha - alpha) <= slack)) {
                return differs(s, "CH4 enhancement", line, c, got_alpha, alpha);
            }
        }
    }
    s->products.delivered = products.lines;
    onb_event event;
    while (s->events.poll(&event)) {
    }
    return ONB_OK;
}

onb_status answer_strips(Session *s, const Tables &tables) {
    onb_status status = ONB_OK;
    while (status == ONB_OK && strip_due(*s)) {
        status = run_strip(s);
        if (status == ONB_OK) {
            status = compare_queue(s, tables);
        }
    }
    return status;
}

} // namespace

uint64_t now_ns() {
    timespec time{};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

void lay_out(Session *s, Arena *arena) {
    s->samples = s->config.samples;
    s->filter_pitch = (s->plan.mf_bands + lane_pad - 1) / lane_pad * lane_pad;
    lay_out_constants(s, arena);
    lay_out_statistics(s, &s->before, arena);
    lay_out_statistics(s, &s->after, arena);
    lay_out_dead_bands(&s->dead, s->plan, arena);
    lay_out_scratch(s, arena);
    lay_out_window(s, arena);
    lay_out_products(s, arena);
    lay_out_tensors(s, arena);
    lay_out_quantized(s, arena);
    lay_out_denoising(s, arena);
    s->events.lay_out(arena, s->samples, s->config.event_queue);
}

bool core_bytes(const Plan &plan, const onb_config &config, uint64_t *bytes, const Int8Net *net) {
    Session session{};
    session.plan = plan;
    session.config = config;
    session.int8.net = net;
    Arena arena;
    (void)arena.take<Session>(1);
    lay_out(&session, &arena);
    *bytes = arena.used();
    return !arena.overflow();
}

void load_constants(Session *s, const Tables &tables) {
    const size_t bands = s->plan.mf_bands;
    Constants &c = s->constants;
    const float *const given = s->config.gas_lines;
    memset(c.inverse_reference, 0, c.size);
    for (size_t b = 0; b < s->plan.bands; ++b) {
        c.inverse_reference[b] = static_cast<float>(1.0 / static_cast<double>(read_f32(tables.reference.data + 4 * b)));
    }
    for (size_t i = 0; i < s->plan.curve_points; ++i) {
        c.gas.alphas[i] = static_cast<double>(read_f32(tables.curve.data + 4 * i));
    }
    const uint8_t *lines = tables.curve.data + 4 * static_cast<size_t>(s->plan.curve_points);
    for (size_t i = 0; i < s->plan.curve_points * bands; ++i) {
        c.gas.lines[i] = static_cast<double>(given == nullptr ? read_f32(lines + 4 * i) : given[i]);
    }
    s->own_gas = given != nullptr;
    s->config.gas_lines = nullptr; // the caller's, and no longer needed
    for (size_t k = 0; k < bands; ++k) {
        const uint8_t *band = tables.mf_bands.data + 2 * k;
        c.filter_bands[k] = static_cast<uint32_t>(band[0]) | static_cast<uint32_t>(band[1]) << 8;
        const double reference = static_cast<double>(read_f32(tables.reference.data + 4 * c.filter_bands[k]));
        const double a = static_cast<double>(read_f32(tables.noise.data + 4 * k));
        const double b = static_cast<double>(read_f32(tables.noise.data + 4 * (bands + k)));
        c.gas.target[k] = c.gas.lines[bands + k] / c.gas.alphas[1];
        c.gas.noise_one[k] = a * a * b / (reference * reference);
        c.gas.noise_two[k] = a * a / reference;
    }
    load_classes(s, tables.classes);
    c.digest = sha256(c.begin, c.size);
}

bool constants_intact(const Session &s) {
    return same_digest(sha256(s.constants.begin, s.constants.size), s.constants.digest.bytes);
}

namespace {

Digest digest_settings(const Session &s) {
    uint8_t pair[64];
    memcpy(pair, sha256(&s.plan, sizeof s.plan).bytes, 32);
    memcpy(pair + 32, sha256(&s.config, sizeof s.config).bytes, 32);
    return sha256(pair, sizeof pair);
}

} // namespace

void seal_settings(Session *s) { s->settings_digest = digest_settings(*s); }

bool settings_intact(const Session &s) { return same_digest(digest_settings(s), s.settings_digest.bytes); }

void session_reset(Session *s, uint32_t samples) {
    const uint64_t scrubs = s->counters.scrubs;
    const uint64_t errors = s->counters.scrub_errors;
    const uint64_t answers = s->counters.known_answers;
    s->phase = Phase::taking;
    s->failure = ONB_OK;
    s->samples = samples;
    s->arrived = s->judged = s->next_strip = 0;
    s->products.first_line = s->products.lines = s->products.delivered = 0;
    s->counters = Counters{};
    s->counters.scrubs = scrubs;
    s->counters.scrub_errors = errors;
    s->counters.known_answers = answers;
    clear_statistics(*s, &s->before);
    clear_statistics(*s, &s->after);
    clear_dead_bands(&s->dead, s->plan);
    clear_window(s);
    clear_denoising(s);
    const double area = s->config.pixel_size_m * s->config.pixel_size_m;
    s->events.reset({s->plan.event_min_pixels, s->plan.event_peak_probability, area});
}

bool known_answer_fits(const Session &s, const Tables &tables) {
    return !s.own_gas && tables.known_input.data != nullptr && s.plan.known_samples <= s.config.samples;
}

onb_status run_known_answer(Session *s, const Tables &tables) {
    if (reinterpret_cast<uintptr_t>(tables.known_input.data) % alignof(float) != 0) {
        return fail(&s->detail, ONB_INVALID_ARGUMENT, "the known answer cannot be run out of an unaligned bundle",
                    "bundle", text("another address"), text("a multiple of 4 bytes"));
    }
    const uint32_t samples = s->config.samples;
    const uint32_t products = s->config.products;
    const size_t line_values = static_cast<size_t>(s->plan.known_samples) * s->plan.bands;
    session_reset(s, s->plan.known_samples);
    s->config.products = s->plan.products;
    onb_status status = ONB_OK;
    const auto *radiance = reinterpret_cast<const float *>(tables.known_input.data);
    for (uint32_t line = 0; status == ONB_OK && line < s->plan.known_lines; ++line) {
        status = ingest_line(s, radiance + line * line_values, 0);
        if (status == ONB_OK) {
            status = answer_strips(s, tables);
        }
    }
    if (status == ONB_OK) {
        s->phase = Phase::flushing;
        status = answer_strips(s, tables);
    }
    s->config.products = products;
    session_reset(s, samples);
    s->counters.known_answers += status == ONB_OK ? 1 : 0;
    return status;
}

} // namespace onb
