// Parts of a bundle that every check of the readers lets pass, with graphs that are none.
#pragma once

#include "made_bundle.hpp"

constexpr uint32_t bands = 6;
constexpr uint32_t filter = 3;
constexpr uint32_t points = 2;

struct Parts {
    uint8_t plan[184];
    float table[2 * bands];
    float reference[bands];
    uint16_t chosen[filter];
    float curve[points * (filter + 1)];
    float noise[2 * filter];

    void whole(size_t at, uint32_t value) { memcpy(plan + at, &value, 4); }
    void real(size_t at, float value) { memcpy(plan + at, &value, 4); }
};

inline Parts good_parts() {
    Parts parts{};
    const uint32_t wholes[] = {184, 1, bands, filter, points, 8, 1, 1, 8, 8, 4, 2, 1, 16, 2, 3};
    memcpy(parts.plan, wholes, sizeof wholes);
    const float reals[] = {4.0f, 3.0f, 1000.0f, 5.0f, 5.0f, 5.0f, 0.5f, 0.5f};
    memcpy(parts.plan + 64, reals, sizeof reals);
    parts.whole(168, 4096);
    parts.whole(176, 3);
    for (uint32_t i = 0; i < bands; ++i) {
        parts.table[i] = 400.0f + static_cast<float>(i);
        parts.table[bands + i] = 1.0f;
        parts.reference[i] = 2.0f;
    }
    for (uint16_t k = 0; k < filter; ++k) {
        parts.chosen[k] = static_cast<uint16_t>(k + 2);
        parts.curve[points + filter + k] = -0.01f;
        parts.noise[k] = parts.noise[filter + k] = 0.1f;
    }
    parts.curve[1] = 1000.0f;
    return parts;
}

// A codebook of three classes by three bands; its last two bytes are padding.
struct Classes {
    static constexpr uint32_t classes = 3;
    static constexpr uint32_t class_bands = 3;
    static constexpr size_t size = 40;
    uint8_t part[size];

    Classes() : part{} {
        const uint32_t head[] = {classes, class_bands, 4, 0, 5};
        const int16_t centres[] = {-4096, 0, 100, 0, 0, 100, 3072, 3072, -4096};
        memcpy(part, head, sizeof head);
        memcpy(part + sizeof head, centres, sizeof centres);
    }
    void whole(size_t at, uint32_t value) { memcpy(part + at, &value, 4); }
    void centre(size_t index, int16_t value) { memcpy(part + 20 + 2 * index, &value, 2); }
};

inline void assemble(const Parts &parts, MadeBundle *made, const Classes *classes = nullptr) {
    made->begin(classes != nullptr ? 10 : 9);
    made->add(0, "plan.bin", parts.plan, sizeof parts.plan);
    made->add(1, "manifest.json", "{}", 2);
    made->add(2, "stem.onnx", "s", 1);
    made->add(3, "body.onnx", "b", 1);
    made->add(4, "bands.f32", parts.table, sizeof parts.table);
    made->add(5, "reference.f32", parts.reference, sizeof parts.reference);
    made->add(6, "mf_bands.u16", parts.chosen, sizeof parts.chosen);
    made->add(7, "mf_curve.f32", parts.curve, sizeof parts.curve);
    made->add(8, "mf_noise.f32", parts.noise, sizeof parts.noise);
    if (classes != nullptr) {
        made->add(9, "classes.bin", classes->part, sizeof classes->part);
    }
    made->end();
}
