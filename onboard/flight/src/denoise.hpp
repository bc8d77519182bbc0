// The denoiser in flight: radiance of a strip at the matched filter's bands, on demand.
#pragma once

#include "arena.hpp"
#include "engine.hpp"
#include "panels.hpp"

namespace onb {

struct Session;

// What denoising needs beside the session; laid out only where the configuration asks for it.
struct Denoising {
    Model model;
    float *input;      // [mf_bands + 1][body_lines][width]: log radiance, then 1 where valid
    float *output;     // [mf_bands][body_lines][width]: log radiance
    uint32_t *source;  // [body_lines][width] pixel of the ring that a place of the input shows
    bool *found;       // [width] columns that show a valid pixel of their own
    uint8_t *quality;  // [ring_lines][samples] of the lines in the ring of counts
    float *radiance;   // [strip_lines][samples][mf_bands]
    uint32_t first_line, lines; // of the strip in radiance; 0 lines: none
};

// Lays the denoiser out, and tells the engine of it, if the configuration asks for it.
void lay_out_denoising(Session *session, Arena *arena);
void clear_denoising(Session *session);

// Keeps the quality of the line that is being taken in, out of its row of the window.
void keep_quality(Session *session, const uint8_t *quality);

// Fills the denoiser's input with the window of the strip in the queue, as far as the panel sees it. A place
// without a valid pixel shows the valid one before it in its column, else the next one, else the nearest column.
void fill_denoiser_input(Session *session, const Panel &panel);
// Makes radiance of the output, for the panel's own samples; flagged pixels hold their flags.
void take_denoised(Session *session, const Panel &panel);

// Denoises the strip in the queue, unless that was done already. Its lines and its halo are still in the ring.
onb_status denoise_strip(Session *session);

} // namespace onb
