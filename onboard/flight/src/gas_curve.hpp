// The saturating response of CH4, as the current filter sees it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onb {

// Constants of a bundle, in the caller's block.
struct GasTables {
    uint32_t points;
    size_t bands;
    double *alphas;     // [points] ppm m, first 0, rising
    double *lines;      // [points][bands] ln of the transmittance
    double *target;     // [bands] its change per ppm m, at the first point
    double *noise_one;  // [bands] a^2 b / reference^2
    double *noise_two;  // [bands] a^2 / reference
};

// Piecewise linear: from what the linear filter gives to ppm m.
struct Response {
    static constexpr uint32_t max_points = 64;
    uint32_t points; // in use: as long as the response still rises
    double linear[max_points];
    double alpha[max_points];

    double enhancement(double value) const;
};

// The response of the filter `weights`, for which weights . target = 1.
Response make_response(const GasTables &gas, const double *weights);

} // namespace onb
