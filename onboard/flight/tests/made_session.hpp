// A session without an engine, for tests of the steps that need none.
#pragma once

#include "session.hpp"

#include <cstdlib>
#include <cstring>

inline onb::Plan small_plan() {
    onb::Plan plan{};
    plan.bands = 10;
    plan.mf_bands = 5;
    plan.curve_points = 2;
    plan.stem_pixels = 8;
    plan.static_features = 1;
    plan.dynamic_features = 2;
    plan.body_lines = 8;
    plan.body_samples = 8;
    plan.strip_lines = 4;
    plan.halo_lines = 2;
    plan.minerals = 3;
    plan.memory_lines = 16;
    plan.covariance_stride = 2;
    plan.event_min_pixels = 1;
    plan.kappa = 4.0f;
    plan.exclude_sigma = plan.alpha_scale = plan.alpha_clip = plan.z_clip = plan.feature_clip = 3.0f;
    plan.products = 3;
    plan.denoiser_samples = 8;
    return plan;
}

// Lays a session out in a block of exactly its size, so that the sanitizer sees what goes too far.
struct MadeSession {
    onb::Session *s;
    uint64_t bytes;

    explicit MadeSession(uint32_t samples, uint32_t denoise = 0, const onb::Plan &plan = small_plan())
        : s(nullptr), bytes(0) {
        onb_config config{};
        config.denoise = denoise;
        config.samples = samples;
        config.event_queue = 4;
        config.pixel_size_m = 60.0;
        if (!onb::core_bytes(plan, config, &bytes)) {
            abort();
        }
        void *block = nullptr;
        if (posix_memalign(&block, 64, bytes) != 0) {
            abort();
        }
        memset(block, 0xAA, bytes);
        onb::Arena arena(block, bytes);
        s = arena.take<onb::Session>(1);
        memset(static_cast<void *>(s), 0, sizeof *s);
        s->plan = plan;
        s->config = config;
        s->kernels = &onb::kernels();
        onb::lay_out(s, &arena);
        onb::session_reset(s, samples);
    }
    ~MadeSession() { free(s); }
    MadeSession(const MadeSession &) = delete;
    MadeSession &operator=(const MadeSession &) = delete;
};
