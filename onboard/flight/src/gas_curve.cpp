#include "gas_curve.hpp"

namespace onb {

Response make_response(const GasTables &gas, const double *weights) {
    Response response{};
    for (uint32_t i = 0; i < gas.points; ++i) {
        double sum = 0.0;
        for (size_t k = 0; k < gas.bands; ++k) {
            sum += gas.lines[i * gas.bands + k] * weights[k];
        }
        if (i >= 2 && !(sum > response.linear[i - 1])) {
            break;
        }
        response.linear[i] = sum;
        response.alpha[i] = gas.alphas[i];
        response.points = i + 1;
    }
    return response;
}

double Response::enhancement(double value) const {
    if (value < 0.0) {
        return value * (alpha[1] / linear[1]);
    }
    uint32_t upper = 1;
    while (upper + 1 < points && value > linear[upper]) {
        ++upper;
    }
    const double slope = (alpha[upper] - alpha[upper - 1]) / (linear[upper] - linear[upper - 1]);
    return alpha[upper - 1] + (value - linear[upper - 1]) * slope;
}

} // namespace onb
