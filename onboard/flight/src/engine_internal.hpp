// Shared by the engine's two source files.
#pragma once

#include "engine.hpp"

namespace onb {

// Turns the engine's status into ours, and frees it; null is ONB_OK.
onb_status take_status(const OrtApi *api, OrtStatus *error, onb_status status, const char *what,
                       onb_detail *detail);

// Builds and binds stem and body, and the denoiser if it is wanted.
onb_status build_models(Engine *engine, const Tables &tables, onb_detail *detail);

} // namespace onb
