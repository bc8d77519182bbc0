/* onboard.h - the flight core of Onboard, behind a C99 interface.
 *
 * Lines of radiance go in as the instrument makes them; product lines and plume events come out.
 * The caller owns all memory: it asks how much is needed, hands over one block, and gets it back
 * when the session is closed. After onb_open this library does not call the heap; the inference
 * engine takes its tensors and weights from the same block (what it needs besides, for its own small
 * objects, it takes from the process heap: that is not ours to count). Checking a signature borrows a
 * copy of the bundle from the heap, before anything is built.
 *
 *     onb_config config;
 *     onb_detail detail = {.struct_size = sizeof detail};
 *     onb_session *session = NULL;
 *     size_t bytes = 0;
 *
 *     onb_config_default(&config, sizeof config);
 *     config.samples = 1242;
 *     config.trusted_keys = public_key;               // 32 bytes of Ed25519
 *     config.trusted_key_count = 1;
 *     onb_memory_required(bundle, bundle_size, &config, &bytes, &detail);
 *     void *memory = aligned_alloc(ONB_ALIGNMENT, bytes);    // bytes is a multiple of ONB_ALIGNMENT
 *     if (onb_open(bundle, bundle_size, &config, memory, bytes, &session, &detail) != ONB_OK)
 *         fprintf(stderr, "%s: %s, found %s\n", detail.problem, detail.field, detail.found);
 *
 *     onb_lines lines = {.struct_size = sizeof lines, .line_count = n, .radiance = radiance};
 *     while (lines.line_count > 0) {
 *         uint32_t consumed = 0;
 *         onb_status status = onb_push_lines(session, &lines, &consumed);
 *         if (status != ONB_OK && status != ONB_AGAIN) break;    // onb_last_detail says why
 *         lines.radiance += (size_t)consumed * samples * bands;
 *         lines.line_count -= consumed;
 *         onb_products products = {.struct_size = sizeof products};
 *         while (onb_read_lines(session, UINT32_MAX, &products) == ONB_OK) use(&products);
 *         onb_event event = {.struct_size = sizeof event};
 *         while (onb_poll_event(session, &event) == ONB_OK) use(&event);
 *     }
 *     while (onb_flush(session) == ONB_AGAIN) ...      // read and poll as above, then once more
 *     onb_close(session);
 *
 * Rules. Every struct starts with struct_size, which the caller sets to sizeof of the struct. A struct
 * may grow at its end; a caller built with an older header passes the older size, and what it lacks
 * counts as zero. Every call returns an onb_status; ONB_OK is 0. Nothing is thrown. A session belongs to one thread at a
 * time; different sessions may run in different threads. Pointers that are given out lie in the
 * caller's block and hold until the next call on the session that pushes, reads, denoises, flushes, resets,
 * scrubs or closes.
 */
#ifndef ONBOARD_H
#define ONBOARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(ONB_BUILDING) && defined(__GNUC__)
#define ONB_API __attribute__((visibility("default")))
#else
#define ONB_API
#endif

/* Rises when a struct or function changes in a way that old callers would notice. */
#define ONB_ABI_VERSION 1u
/* Required of the caller's block, in bytes. */
#define ONB_ALIGNMENT 64u
#define ONB_KEY_BYTES 32u
#define ONB_MAX_MINERALS 16u

typedef enum onb_status {
    ONB_OK = 0,
    ONB_AGAIN = 1,              /* read the queued products and events, then call again */
    ONB_EMPTY = 2,              /* nothing queued */
    ONB_INVALID_ARGUMENT = 3,   /* a null pointer, or a value outside its limits */
    ONB_STRUCT_SIZE = 4,        /* struct_size is not that of this library */
    ONB_STATE = 5,              /* not allowed now, for example a push after a flush */
    ONB_MEMORY_TOO_SMALL = 6,   /* the block is smaller than onb_memory_required says */
    ONB_MEMORY_UNALIGNED = 7,   /* the block does not start at a multiple of ONB_ALIGNMENT */
    ONB_BUNDLE_MALFORMED = 8,   /* a length, offset, name or count makes no sense */
    ONB_BUNDLE_DAMAGED = 9,     /* a part does not match its hash */
    ONB_BUNDLE_VERSION = 10,    /* a format that this library does not know */
    ONB_BUNDLE_UNSIGNED = 11,
    ONB_BUNDLE_UNTRUSTED = 12,  /* signed by a key that is not among the trusted keys */
    ONB_BUNDLE_SIGNATURE = 13,  /* the signature does not fit the bytes */
    ONB_BUNDLE_SEQUENCE = 14,   /* older than minimum_sequence */
    ONB_BUNDLE_PLAN = 15,       /* a value in plan.bin or in a table cannot be flown */
    ONB_BUNDLE_MODEL = 16,      /* a graph does not have the tensors that the plan promises */
    ONB_ENGINE_MISSING = 17,    /* the inference engine's library cannot be loaded */
    ONB_ENGINE_FAILED = 18,     /* the inference engine refused a call, or its memory ran out */
    ONB_KNOWN_ANSWER = 19,      /* the known input no longer gives the known output */
    ONB_CORRUPTED = 20,         /* memory that must not change has changed */
    ONB_BUNDLE_EXPIRED = 21,    /* its time has passed, by config.now_unix_s */
    ONB_BUNDLE_TARGET = 22,     /* made for another target than config.target */
    ONB_DELTA_MALFORMED = 23,   /* a length, count or operation makes no sense, or makes other bytes than named */
    ONB_DELTA_BASE = 24,        /* made for another bundle than the one given */
    ONB_STATUS_COUNT = 25
} onb_status;

/* Bits of the quality layer. Pixels with any bit of ONB_QUALITY_INVALID carry no product. */
#define ONB_QUALITY_NO_DATA 0x01u
#define ONB_QUALITY_CLOUDY 0x02u
#define ONB_QUALITY_MISSING_FRAME 0x04u
#define ONB_QUALITY_CORRUPT 0x08u
#define ONB_QUALITY_SATURATED 0x10u
#define ONB_QUALITY_NON_FINITE 0x20u
#define ONB_QUALITY_REPAIRED 0x40u
#define ONB_QUALITY_IMMATURE 0x80u
#define ONB_QUALITY_INVALID 0x2Fu

#define ONB_PRODUCT_METHANE 0x1u
#define ONB_PRODUCT_MINERALS 0x2u

typedef struct onb_session onb_session;

/* Why a call failed, in words for a person: the problem, where, what was there, what should be. */
typedef struct onb_detail {
    uint32_t struct_size;
    uint32_t status;
    char problem[128];
    char field[96];
    char found[160];
    char expected[160];
} onb_detail;

typedef struct onb_config {
    uint32_t struct_size;
    uint32_t samples;            /* pixels of a line */
    uint32_t threads;            /* of the inference engine, and of a quantized body, 1 to 64 */
    uint32_t allow_spinning;     /* 1: idle engine threads burn their core for a shorter latency */
    uint32_t products;           /* sum of ONB_PRODUCT_*; what is left out is NaN and raises no event */
    uint32_t trusted_key_count;
    const uint8_t *trusted_keys; /* trusted_key_count x ONB_KEY_BYTES */
    uint64_t minimum_sequence;   /* older bundles are refused */
    uint64_t inference_bytes;    /* memory for the engine; 0: what the bundle's plan says */
    double pixel_size_m;         /* edge of a square ground pixel */
    const char *engine_library;  /* path or soname; NULL: $ONNXRUNTIME_LIBRARY, else libonnxruntime.so.1 */
    uint32_t known_answer;       /* 1: run the bundle's known input at open, if it has one and samples are
                                    no fewer than its; known_answers of the health report tells */
    uint32_t event_queue;        /* events that can wait to be polled, 1 to 65536 */
    uint64_t now_unix_s;         /* seconds since 1970, UTC; 0: not known, and no bundle has expired */
    const char *target;          /* what this computer is called; NULL: bundles of all targets are taken */
    uint32_t denoise;            /* 1: memory for onb_denoise_strip; the bundle must have a denoiser */
    uint32_t reserved;
    const float *gas_lines;      /* [gas_points][gas_bands] ln of CH4's transmittance as the lines to come show it, at
                                    the enhancements and bands of the bundle's mf_curve.f32, for lines that were
                                    resampled to the bundle's bands; NULL: the bundle's own. Copied at open. With
                                    it the known answer cannot be run: known_answer must be 0 */
    uint32_t gas_points;
    uint32_t gas_bands;
} onb_config;

/* What a bundle holds. The pointers lie in the caller's bundle and may be unaligned. */
typedef struct onb_bundle_description {
    uint32_t struct_size;
    uint32_t format_version;
    uint64_t sequence;
    uint8_t key_id[32];          /* SHA-256 of the signing key; zero: unsigned */
    uint32_t is_signed;          /* a signature is there; onb_bundle_verify says whether it is good */
    uint32_t part_count;
    uint32_t bands;
    uint32_t mf_bands;
    uint32_t minerals;
    uint32_t strip_lines;
    uint32_t halo_lines;
    uint32_t known_lines;
    uint32_t known_samples;
    uint32_t products;
    uint64_t inference_bytes;
    const uint8_t *manifest;     /* JSON, UTF-8, not terminated */
    uint64_t manifest_size;
    const uint8_t *band_table;   /* little-endian float32 [2][bands]: centres, then FWHM, nm */
    uint64_t band_table_size;
    uint64_t expires_unix_s;     /* 0: never */
    char target[32];             /* zero-terminated; empty: any */
    uint32_t has_denoiser;       /* 1: config.denoise may be 1 */
    uint32_t reserved;
    uint64_t denoiser_inference_bytes; /* in the place of inference_bytes where config.denoise is 1 */
} onb_bundle_description;

/* What an uplink delta does, by its own word: only its signature says that it is true. */
typedef struct onb_delta_description {
    uint32_t struct_size;
    uint32_t format_version;
    uint64_t sequence;           /* of the bundle that it makes */
    uint64_t old_size;
    uint64_t new_size;
    uint8_t old_sha256[32];      /* of the bundle file that it applies to */
    uint8_t new_sha256[32];      /* of the bundle file that it makes */
    uint8_t key_id[32];          /* SHA-256 of the signing key; zero: unsigned */
    uint32_t is_signed;
    uint32_t operation_count;
    uint64_t memory_bytes;       /* what onb_delta_apply wants: the new bundle and room to work in */
} onb_delta_description;

/*
 * Lines to push. Radiance is float32, pixel-interleaved [line][sample][band], uW cm-2 sr-1 nm-1. What was not
 * measured is a flag (-9000 or less) or no finite number. A pixel with at most eight such values is repaired
 * from its neighbouring bands; a band that most pixels of a line lack, as where a row of the detector died,
 * does not count against them, is filled likewise, and stays out of the matched filter.
 */
typedef struct onb_lines {
    uint32_t struct_size;
    uint32_t line_count;
    const float *radiance;
    const uint8_t *line_quality; /* [line_count] ONB_QUALITY_INVALID bits for whole lines, or NULL */
} onb_lines;

/* Finished product lines: planes [line_count][samples]; minerals mineral_stride floats apart. */
typedef struct onb_products {
    uint32_t struct_size;
    uint32_t first_line;
    uint32_t line_count;
    uint32_t samples;
    uint32_t minerals;
    uint32_t reserved;
    uint64_t mineral_stride;
    const float *plume_probability;
    const float *ch4_enhancement;     /* ppm m; NaN where invalid */
    const float *ch4_sigma;           /* ppm m; NaN where invalid */
    const float *mineral_probability; /* [minerals][line_count][samples], mineral_stride apart */
    const uint8_t *plume_mask;
    const uint8_t *quality;
} onb_products;

/* Denoised radiance of a strip, pixel-interleaved, uW cm-2 sr-1 nm-1, at the bands of the matched filter.
 * A pixel with a bit of ONB_QUALITY_INVALID holds its flag in all bands: -9998 (missing frame), -9997 (corrupt),
 * -9990 (cloudy), else -9999. */
typedef struct onb_radiance {
    uint32_t struct_size;
    uint32_t first_line;
    uint32_t line_count;
    uint32_t samples;
    uint32_t bands;
    uint32_t reserved;
    const uint32_t *band_index;       /* [bands] of the bundle's band table, rising */
    const float *radiance;            /* [line_count][samples][bands] */
    const uint8_t *quality;           /* [line_count][samples] */
} onb_radiance;

/*
 * A plume: 8-connected pixels of the mask. Lines count from 0 at open or reset. Behind at most four lines of
 * which no pixel carries a product (lost frames, thick cloud) a plume goes on, its border moved by at most one
 * sample more for each of them; the lost pixels count for nothing in it. More of them end it.
 */
typedef struct onb_event {
    uint32_t struct_size;
    uint32_t event_id;                /* from 1 */
    uint32_t first_line, last_line;
    uint32_t first_sample, last_sample;
    uint32_t area_pixels;
    uint32_t peak_line, peak_sample;  /* of the enhancement */
    uint32_t detected_at_line;        /* newest line that had arrived when the event was complete */
    uint32_t touches_edge;            /* 1: it may go on unseen, beyond the capture or in lines that ended it */
    float peak_enhancement;           /* ppm m */
    float mean_enhancement;           /* ppm m */
    float confidence;                 /* highest plume probability in it */
    double centroid_line, centroid_sample;
    double ime_kg;                    /* integrated mass enhancement of CH4 */
} onb_event;

typedef struct onb_health_report {
    uint32_t struct_size;
    uint32_t engine_in_block;         /* 1: the engine's tensors lie in the caller's block */
    uint64_t lines_pushed;
    uint64_t lines_delivered;
    uint64_t strips;
    uint64_t events;                  /* accepted since open or reset */
    uint64_t events_dropped;          /* found no room in the queue */
    uint64_t repaired_pixels;
    uint64_t invalid_pixels;
    uint64_t arena_bytes;             /* the caller's block */
    uint64_t arena_high_water;        /* bytes of it ever used, the engine's included */
    uint64_t inference_bytes;         /* the engine's part of the block */
    uint64_t inference_high_water;
    uint64_t allocations_after_open;  /* times that the heap had to help because a part was full: 0 */
    uint64_t engine_requests;         /* requests that the engine made of its part since open */
    uint64_t line_ns_max;             /* longest line step, without a strip */
    uint64_t line_ns_total;
    uint64_t strip_ns_max;
    uint64_t strip_ns_total;
    uint64_t scrubs;
    uint64_t scrub_errors;
    uint64_t body_ns_total;           /* of strip_ns_total: the body, and its planes becoming bytes */
    uint64_t lines_lacking_bands;     /* lines of which most pixels lack a band */
    uint64_t most_lacking_bands;      /* of one line */
    uint64_t known_answers;           /* times that the bundle's known answer was run and held: 0 says that it
                                         was never tried */
} onb_health_report;

ONB_API const char *onb_version(void);
ONB_API uint32_t onb_abi_version(void);
/* Words for a status; never NULL. */
ONB_API const char *onb_status_text(onb_status status);

ONB_API onb_status onb_config_default(onb_config *config, size_t config_size);

/* Checks structure, hashes, signature, sequence, expiry, target, plan and tables. Needs no engine. detail
 * may be NULL. */
ONB_API onb_status onb_bundle_verify(const void *bundle, size_t bundle_size, const onb_config *config,
                                     onb_detail *detail);
/* Describes a bundle after checking its structure, hashes, plan and tables, but not its signature. */
ONB_API onb_status onb_bundle_info(const void *bundle, size_t bundle_size, onb_bundle_description *info,
                                   onb_detail *detail);
/* Bytes of the block that onb_open will want: what the core itself takes, exactly, and inference_bytes. */
ONB_API onb_status onb_memory_required(const void *bundle, size_t bundle_size, const onb_config *config,
                                       size_t *bytes, onb_detail *detail);
/* Verifies the bundle, then builds a session in the block. The bundle may be freed after it. With known_answer
 * the bundle must lie at a multiple of 4 bytes (ONB_INVALID_ARGUMENT, field bundle). After anything but ONB_OK
 * *session is NULL. */
ONB_API onb_status onb_open(const void *bundle, size_t bundle_size, const onb_config *config, void *memory,
                            size_t memory_size, onb_session **session, onb_detail *detail);

/* Describes a delta after checking its lengths, but neither its signature nor what it makes. */
ONB_API onb_status onb_delta_info(const void *delta, size_t delta_size, onb_delta_description *info,
                                  onb_detail *detail);
/* Makes a new bundle of an old one and a delta, without a call of the heap. out has at least memory_bytes
 * of onb_delta_info and overlaps neither input; after ONB_OK its first *out_size bytes are the bundle, byte
 * for byte the one that was signed, checked as onb_bundle_verify checks. After anything else *out_size is 0
 * and out holds zeros. Of config it takes keys, minimum_sequence, now_unix_s and target. */
ONB_API onb_status onb_delta_apply(const void *old_bundle, size_t old_size, const void *delta, size_t delta_size,
                                   const onb_config *config, void *out, size_t out_capacity, size_t *out_size,
                                   onb_detail *detail);

/* Takes in lines until all are consumed, or ONB_AGAIN: the next strip waits for an empty queue. After a failure of
 * the engine, here or in onb_flush, the capture cannot go on: both return that status until onb_reset. */
ONB_API onb_status onb_push_lines(onb_session *session, const onb_lines *lines, uint32_t *consumed);
/* Runs the strips that are still open; ONB_AGAIN as in onb_push_lines. After ONB_OK only onb_reset
 * makes the session take lines again. */
ONB_API onb_status onb_flush(onb_session *session);
/* Gives out at most max_lines finished lines, or ONB_EMPTY. */
ONB_API onb_status onb_read_lines(onb_session *session, uint32_t max_lines, onb_products *products);
/* Denoises the strip whose products were queued last, read or not: its lines and 32 (halo_lines) either side.
 * Wants config.denoise. The strip can be had until onb_push_lines or onb_flush runs the next one; asking twice
 * computes once. ONB_EMPTY before the first strip. It takes longer than a strip of detection, and a strip that
 * nobody asks for costs nothing. */
ONB_API onb_status onb_denoise_strip(onb_session *session, onb_radiance *radiance);
ONB_API onb_status onb_poll_event(onb_session *session, onb_event *event);

ONB_API onb_status onb_health(const onb_session *session, onb_health_report *health);
/* The detail of the last call on this session that failed; onb_health and onb_last_detail themselves leave it. */
ONB_API onb_status onb_last_detail(const onb_session *session, onb_detail *detail);
/* Hashes what must not change in the block: plan and configuration, tables, weights with their scales. Running
 * statistics, queues and pointers change or belong to this run, and are not covered. With a bundle, which must be
 * the one opened and lie at a multiple of 4 bytes, and before a capture's first line: also runs its known answer,
 * where it has one that fits (known_answers of the health report counts). */
ONB_API onb_status onb_scrub(onb_session *session, const void *bundle, size_t bundle_size);
/* Forgets the capture and starts a new one at line 0; counters of health start again, but for scrubs, scrub_errors,
 * known_answers and what is counted since open. */
ONB_API onb_status onb_reset(onb_session *session);
/* Gives back the engine; the block is the caller's again. NULL is allowed. */
ONB_API onb_status onb_close(onb_session *session);

#ifdef __cplusplus
}
#endif

#endif
