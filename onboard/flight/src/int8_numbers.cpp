// What the numbers of a quantized layer mean.
#include "int8_net.hpp"

#include <cmath>

namespace onb {

namespace {

int32_t read_i16(const uint8_t *bytes) {
    const auto value = static_cast<int32_t>(read_u16(bytes));
    return value < 0x8000 ? value : value - 0x10000;
}

} // namespace

double Int8Layer::sum_step(uint32_t output, double input_scale) const {
    const double units = read_u16(weight_scales + 2 * static_cast<size_t>(output));
    return input_scale * (units * static_cast<double>(weight_unit));
}

int64_t Int8Net::bias(const Int8Layer &layer, uint32_t output) const {
    const double real = static_cast<double>(read_i16(layer.biases + 2 * static_cast<size_t>(output))) *
                        static_cast<double>(layer.bias_unit);
    auto result = static_cast<int64_t>(std::nearbyint(real / layer.sum_step(output, input_scale(layer))));
    if (layer.input == 0) {
        for (uint32_t k = 0; k < layer.taps; ++k) {
            const auto weight = static_cast<int8_t>(layer.weights[static_cast<size_t>(output) * layer.taps + k]);
            result -= static_cast<int64_t>(weight) * plane_zeros[k];
        }
    }
    return result;
}

float Int8Net::factor(const Int8Layer &layer, uint32_t output) const {
    return static_cast<float>(layer.sum_step(output, input_scale(layer)) / static_cast<double>(layer.scale));
}

} // namespace onb
