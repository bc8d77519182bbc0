// The codebook that sorts pixels into classes of ground: the optional part classes.bin.
#pragma once

#include "container.hpp"

namespace onb {

constexpr uint32_t max_classes = 64;
constexpr uint32_t max_class_bands = 16;

// Values of classes.bin; zero where the bundle has no classes.
struct ClassPlan {
    uint32_t classes;
    uint32_t bands;
    const uint8_t *band_index; // [bands] u32
    const uint8_t *centres;    // [classes][bands] i16, 1024 counts a unit of log radiance

    bool present() const { return classes != 0; }
};

// Reads the part and checks all of it; plan_bands is the plan's.
onb_status read_classes(const Container &container, uint32_t plan_bands, ClassPlan *plan, onb_detail *detail);

// A centre's value; the caller has checked that the two bytes are there.
int16_t read_i16(const uint8_t *bytes);

} // namespace onb
