// What a bundle says of its denoiser: the optional part denoiser.bin.
#pragma once

#include "container.hpp"

namespace onb {

// Values of denoiser.bin; zero where the bundle has no denoiser.
struct DenoiserPlan {
    uint32_t samples;         // width of the network's window; its lines are the plan's body_lines
    uint64_t inference_bytes; // of the engine, with the denoiser beside stem and body

    bool present() const { return samples != 0; }
};

// Reads the plan and finds the graph. Both parts are there, or neither; body_lines is the plan's.
onb_status read_denoiser(const Container &container, uint32_t body_lines, DenoiserPlan *denoiser, Bytes *graph,
                         onb_detail *detail);

} // namespace onb
