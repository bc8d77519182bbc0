// A session: everything that one open capture needs, laid out in the caller's block.
#pragma once

#include "arena.hpp"
#include "dead_bands.hpp"
#include "denoise.hpp"
#include "engine.hpp"
#include "events.hpp"
#include "gas_curve.hpp"
#include "int8_body.hpp"
#include "kernels.hpp"
#include "plan.hpp"

namespace onb {

// Tables of the bundle that never change after open; hashed by scrubbing.
struct Constants {
    float *inverse_reference; // [bands]
    uint32_t *filter_bands;   // [filter_pitch], padded with zeros
    uint32_t *class_bands;    // [class_bands]
    int32_t *class_centres;   // [class_bands][class_pitch], the classes of a band side by side
    GasTables gas;
    const uint8_t *begin; // of the bytes that hold them
    size_t size;
    Digest digest;
};

// Running statistics of the filter: the state before an event, or after it.
struct Statistics {
    double *mean;         // [samples][filter_pitch] log radiance
    double *feature_mean; // [samples][dynamic]
    double *weight;       // [samples] lines behind each mean
    double *scatter;      // [filter_pitch][filter_pitch] upper triangle by tiles
    double *feature_scatter; // [dynamic]
    double count;         // pixels behind scatter
    // The same of each class of ground, where the bundle has classes; the pooled ones are their sums.
    double *class_scatter;  // [classes][filter_pitch][filter_pitch]
    double *class_sum;      // [classes][filter_pitch] of the deviations behind it
    double *class_kept_sum; // [classes][filter_pitch] of those of them that are in the means
    double *class_count;    // [classes]
    double *class_kept_count; // [classes]
    Lacking lacking;
};

// A matched filter: the one of all ground, or of a class of it.
struct BandFilter {
    float *weights;             // [filter_pitch]
    double offset;              // of the class's mean, filtered
    double per_square, per_one; // noise carried through the filter
    double limit;               // enhancement beyond which a pixel looks like a plume
    Response response;
};

// Scratch of the filter, valid within one event.
struct FilterScratch {
    static constexpr size_t batch = 128; // pixels of one outer product
    int32_t *sums;       // [samples][filter_pitch]
    double *feature_sums; // [samples][dynamic]
    uint32_t *counts;    // [samples]
    float *used;         // [samples][filter_pitch] means the filter subtracts
    float *used_features; // [dynamic][samples]
    double *overall;     // [max(filter_pitch, dynamic)]
    double *system;      // [filter_pitch][filter_pitch]
    double *solution;    // [filter_pitch]
    float *rows;         // [batch][filter_pitch]
    float *magnitudes;   // of the enhancement, of each pixel that the covariance takes
    BandFilter *filters; // [max(classes, 1)]
    double *class_mean;     // [filter_pitch]
    uint32_t *class_pixels; // of the batch's pixels that the covariance takes, class by class
    uint32_t *class_starts; // [classes + 1] where each class begins in them
};

// Image memory: one body window of lines, and the filter's counts of lines not yet judged.
struct Window {
    float *channels;     // [channels][body_lines][pitch], the body's input when it is wide enough
    float *brightness;   // [body_lines][samples]
    float *enhancement;  // [body_lines][samples]
    float *sigma;        // [body_lines][samples]
    uint8_t *quality;    // [body_lines][samples]
    uint8_t *keep;       // [body_lines][samples] pixels that the statistics take
    int16_t *counts;     // [ring_lines][samples][filter_pitch] ring
    uint8_t *classes;    // [ring_lines][samples] ring of each pixel's class of ground
    size_t pitch;
    uint8_t *bytes;      // [body_lines][pitch][plane_channels], the quantized body's input, where there is one
};

// One strip of finished products.
struct ProductQueue {
    float *probability, *enhancement, *sigma; // [strip_lines][samples]
    float *minerals;                          // [minerals][strip_lines][samples]
    uint8_t *mask, *quality;                  // [strip_lines][samples]
    uint32_t first_line, lines, delivered;
};

struct Counters {
    uint64_t lines_delivered, strips, repaired, invalid;
    uint64_t line_ns_max, line_ns_total, strip_ns_max, strip_ns_total, body_ns_total;
    uint64_t scrubs, scrub_errors, known_answers;
    uint64_t lacking, most_lacking; // lines that lack bands, and how many the worst of them lacks
};

enum class Phase : uint32_t { taking, flushing, done, failed };

struct Session {
    uint64_t magic;
    Phase phase;
    onb_status failure;
    Plan plan;
    onb_config config;
    bool own_gas;          // the caller gave gas_lines: no known answer fits
    uint32_t samples;      // of the capture at hand
    size_t filter_pitch;   // mf_bands, padded
    uint64_t arrived;      // lines ingested
    uint64_t judged;       // lines that the filter has finished
    uint64_t next_strip;
    uint64_t arena_bytes, core_bytes, engine_bytes;
    Digest bundle_digest;
    Digest settings_digest; // of plan and configuration, as open left them
    const Kernels *kernels;
    Constants constants;
    Statistics before, after;
    DeadBands dead;
    FilterScratch scratch;
    Window window;
    ProductQueue products;
    float *stem_input, *stem_output, *body_input, *body_output;
    EventTracker events;
    Engine engine;
    Int8Body int8; // the body, where it is quantized; else the engine has it
    Denoising *denoising; // null unless the configuration asks for it
    Counters counters;
    onb_detail detail;

    // First line of the window; lines before 0 are outside the capture.
    int64_t window_first() const {
        return static_cast<int64_t>(next_strip * plan.strip_lines) - static_cast<int64_t>(plan.halo_lines);
    }
    size_t row_of(uint64_t line) const {
        return static_cast<size_t>(static_cast<int64_t>(line) - window_first());
    }
    // Lines of the ring of counts: those not yet judged; for denoising also the window of the strip in the
    // queue, as long as the next strip has not run.
    uint64_t ring_lines() const {
        return config.denoise != 0 ? static_cast<uint64_t>(plan.body_lines) + plan.strip_lines : plan.first_lines();
    }
    int16_t *counts_of(uint64_t line) const {
        return window.counts + (line % ring_lines()) * samples * filter_pitch;
    }
    uint8_t *classes_of(uint64_t line) const { return window.classes + (line % ring_lines()) * samples; }
    // Classes side by side are padded as bands are.
    uint32_t class_pitch() const {
        return static_cast<uint32_t>((plan.ground_classes + lane_pad - 1) / lane_pad * lane_pad);
    }
    uint32_t filters() const { return plan.ground_classes > 0 ? plan.ground_classes : 1; }
    float *channel_row(uint32_t channel, size_t row) const {
        return window.channels + (static_cast<size_t>(channel) * plan.body_lines + row) * window.pitch;
    }
    size_t plane(size_t row) const { return row * samples; }
    bool quantized() const { return int8.step_count > 0; }
    // A line of the quantized body's input, and its size in bytes.
    size_t byte_pitch() const { return window.pitch * int8.plane_channels; }
    uint8_t *byte_row(size_t row) const { return window.bytes + row * byte_pitch(); }
};

// Lays everything out; the same walk measures (an arena without a block).
void lay_out(Session *session, Arena *arena);
// What the core takes of the block, the session itself included; false on overflow. The net is that of a
// quantized body, or null.
bool core_bytes(const Plan &plan, const onb_config &config, uint64_t *bytes, const Int8Net *net = nullptr);

// Fills constants from the checked tables, and hashes them.
void load_constants(Session *session, const Tables &tables);
bool constants_intact(const Session &session);

// Plan and configuration do not change from here on: remembers their hash.
void seal_settings(Session *session);
bool settings_intact(const Session &session);

// Forgets the capture; the next line is line 0 of one with `samples` pixels a line.
void session_reset(Session *session, uint32_t samples);

// Whether the bundle has a known answer that this session can run.
bool known_answer_fits(const Session &session, const Tables &tables);
// Runs the bundle's known input and compares; the session is reset before and after.
onb_status run_known_answer(Session *session, const Tables &tables);

// Hashes what must not change; with the bundle's bytes, and before the first line, runs its known answer.
onb_status scrub(Session *session, Bytes file);

// LINE STEP: flags, repair, logarithm, stem, and the line's place in the window.
onb_status ingest_line(Session *session, const float *radiance, uint8_t line_quality);

// The class of ground that a pixel's logarithm [bands] lies nearest to.
uint8_t class_of(const Session &session, const float *log);

// Matched filter and normalisation of the lines [session.judged, session.arrived).
void judge_lines(Session *session);

// STRIP STEP: whether a strip can run, and running it. `last` finishes the capture's lines.
bool strip_due(const Session &session);
onb_status run_strip(Session *session);
bool queues_empty(const Session &session);

// Monotonic time, ns.
uint64_t now_ns();

} // namespace onb
