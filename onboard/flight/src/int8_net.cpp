#include "int8_net.hpp"

#include "checked.hpp"
#include "plan.hpp"

#include <cmath>
#include <cstring>
#include <initializer_list>

namespace onb {

namespace {

constexpr size_t header_size = 32;
constexpr size_t entry_size = 20;
constexpr char magic[9] = "ONBBODY8";
// No sum of products, and no number that becomes a byte, may leave 32 bits.
constexpr int64_t most_sum = INT64_C(1) << 30;
constexpr double most_value = 1073741824.0;
constexpr float least_scale = 1e-30f;
constexpr float most_scale = 1e30f;

onb_status refuse(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_BUNDLE_MODEL, "the quantized body cannot be flown", field, found, expected);
}

onb_status refuse_layer(onb_detail *detail, uint32_t index, const char *what, const Text &found,
                        const Text &expected) {
    return refuse(detail, text("body.i8: layer %u: %s", index + 1, what).chars, found, expected);
}

bool good_scale(float value) { return std::isfinite(value) && value >= least_scale && value <= most_scale; }

// A reader that never goes beyond the part.
struct Cursor {
    Bytes part;
    size_t at;

    const uint8_t *take(uint64_t size) {
        if (!range_fits(at, size, part.size)) {
            return nullptr;
        }
        const uint8_t *bytes = part.data + at;
        at += static_cast<size_t>(size);
        return bytes;
    }
};

onb_status cut_short(onb_detail *detail, Bytes part, const char *what) {
    return refuse(detail, "body.i8: length", text("%zu bytes", part.size), text("room for %s", what));
}

onb_status read_header(Cursor *cursor, const Plan &plan, Int8Net *net, onb_detail *detail) {
    const uint8_t *header = cursor->take(header_size);
    if (header == nullptr || memcmp(header, magic, 8) != 0) {
        return refuse(detail, "body.i8: magic", text("other bytes"), text("%s", magic));
    }
    if (read_u32(header + 8) != 1) {
        return fail(detail, ONB_BUNDLE_VERSION, "unknown version of the quantized body", "body.i8: version",
                    text("%u", read_u32(header + 8)), text("1"));
    }
    if (read_u32(header + 12) != cursor->part.size) {
        return refuse(detail, "body.i8: size", text("%u", read_u32(header + 12)),
                      text("%zu", cursor->part.size));
    }
    net->planes = read_u16(header + 16);
    net->layer_count = read_u16(header + 18);
    net->outputs = read_u16(header + 20);
    if (net->planes != plan.channels() || net->planes > Int8Net::max_planes) {
        return refuse(detail, "body.i8: planes", text("%u", net->planes),
                      text("%u, by the plan, and at most %u", plan.channels(), Int8Net::max_planes));
    }
    if (net->outputs != plan.outputs()) {
        return refuse(detail, "body.i8: outputs", text("%u", net->outputs),
                      text("%u, by the plan", plan.outputs()));
    }
    if (net->layer_count < 1 || net->layer_count > Int8Net::max_layers) {
        return refuse(detail, "body.i8: layers", text("%u", net->layer_count),
                      text("1 to %u", Int8Net::max_layers));
    }
    for (size_t i = 22; i < header_size; ++i) {
        if (header[i] != 0) {
            return refuse(detail, "body.i8: reserved", text("%u", header[i]), text("zeros"));
        }
    }
    return ONB_OK;
}

onb_status read_planes(Cursor *cursor, Int8Net *net, onb_detail *detail) {
    const uint8_t *scales = cursor->take(4 * static_cast<uint64_t>(net->planes));
    const uint8_t *zeros = cursor->take((static_cast<uint64_t>(net->planes) + 3) / 4 * 4);
    if (scales == nullptr || zeros == nullptr) {
        return cut_short(detail, cursor->part, "scales and zero points of the planes");
    }
    for (uint32_t i = 0; i < net->planes; ++i) {
        net->plane_scales[i] = read_f32(scales + 4 * static_cast<size_t>(i));
        net->plane_zeros[i] = zeros[i];
        if (!good_scale(net->plane_scales[i])) {
            return refuse(detail, "body.i8: plane scales",
                          text("%g of plane %u", static_cast<double>(net->plane_scales[i]), i),
                          text("1e-30 to 1e30"));
        }
    }
    for (uint32_t i = net->planes; i < (net->planes + 3) / 4 * 4; ++i) {
        if (zeros[i] != 0) {
            return refuse(detail, "body.i8: zero points", text("%u behind the last", zeros[i]), text("zeros"));
        }
    }
    return ONB_OK;
}

void decode_entry(const uint8_t *entry, Int8Layer *layer) {
    layer->kind = static_cast<Int8Kind>(entry[0]);
    layer->logits = entry[1] == 1;
    layer->input = entry[2];
    layer->half = entry[3];
    layer->outputs = read_u16(entry + 4);
    layer->inputs = read_u16(entry + 6);
    layer->scale = read_f32(entry + 8);
    layer->weight_unit = read_f32(entry + 12);
    layer->bias_unit = read_f32(entry + 16);
}

// What a layer reads must lie before it, and be bytes.
bool readable(const Int8Net &net, uint32_t index, uint32_t source) {
    return source <= index && (source == 0 || !net.layers[source - 1].logits);
}

uint32_t channels_of(const Int8Net &net, uint32_t source) {
    return source == 0 ? net.planes : net.layers[source - 1].outputs;
}

uint32_t stride_of(const Int8Net &net, uint32_t source) {
    return source == 0 ? 1 : net.layers[source - 1].stride;
}

onb_status check_kind(const uint8_t *entry, const Int8Layer &layer, uint32_t index, onb_detail *detail) {
    if (entry[0] < 1 || entry[0] > 4) {
        return refuse_layer(detail, index, "kind", text("%u", entry[0]), text("1 to 4"));
    }
    if (entry[1] > 1 || (layer.logits && layer.kind != Int8Kind::pointwise)) {
        return refuse_layer(detail, index, "flags", text("%u", entry[1]), text("0, or 1 for logits of kind 1"));
    }
    const bool weighted = layer.kind != Int8Kind::sum;
    if (weighted ? !good_scale(layer.weight_unit) || !good_scale(layer.bias_unit)
                 : layer.weight_unit != 0.0f || layer.bias_unit != 0.0f) {
        return refuse_layer(detail, index, "units",
                            text("%g and %g", static_cast<double>(layer.weight_unit),
                                 static_cast<double>(layer.bias_unit)),
                            weighted ? text("1e-30 to 1e30") : text("zeros"));
    }
    if (!good_scale(layer.scale) || (layer.logits && layer.scale != 1.0f)) {
        return refuse_layer(detail, index, "scale", text("%g", static_cast<double>(layer.scale)),
                            layer.logits ? text("1") : text("1e-30 to 1e30"));
    }
    return ONB_OK;
}

onb_status check_sources(const Int8Net &net, const Int8Layer &layer, uint32_t index, onb_detail *detail) {
    // Planes have a scale each, which only weights can undo.
    const bool planes = layer.input == 0 && layer.kind != Int8Kind::pointwise;
    if (!readable(net, index, layer.input) || planes) {
        return refuse_layer(detail, index, "input", text("%u", layer.input),
                            text("a layer of bytes before it, or 0 where its kind is 1"));
    }
    if (layer.inputs != channels_of(net, layer.input)) {
        return refuse_layer(detail, index, "inputs", text("%u", layer.inputs),
                            text("%u", channels_of(net, layer.input)));
    }
    const bool same = layer.kind == Int8Kind::depthwise || layer.kind == Int8Kind::sum;
    if (layer.outputs < 1 || layer.outputs > Int8Net::max_channels || (same && layer.outputs != layer.inputs)) {
        return refuse_layer(detail, index, "outputs", text("%u", layer.outputs),
                            same ? text("as many as inputs: %u", layer.inputs)
                                 : text("1 to %u", Int8Net::max_channels));
    }
    if (layer.kind != Int8Kind::sum) {
        return layer.half == 0 ? ONB_OK : refuse_layer(detail, index, "half", text("%u", layer.half), text("0"));
    }
    if (layer.half == 0 || !readable(net, index, layer.half) || channels_of(net, layer.half) != layer.inputs ||
        stride_of(net, layer.half) != 2 * stride_of(net, layer.input)) {
        return refuse_layer(detail, index, "half", text("%u", layer.half),
                            text("a layer before it, at half resolution, of %u channels", layer.inputs));
    }
    return ONB_OK;
}

onb_status place_layer(const Plan &plan, Int8Net *net, Int8Layer *layer, uint32_t index, onb_detail *detail) {
    layer->stride = stride_of(*net, layer->input) * (layer->kind == Int8Kind::halve ? 2 : 1);
    const bool fits = layer->stride <= Int8Net::max_stride && plan.body_lines % layer->stride == 0 &&
                      plan.body_samples % layer->stride == 0;
    if (!fits || (layer->logits && layer->stride != 1)) {
        return refuse_layer(detail, index, "stride", text("%u", layer->stride),
                            layer->logits ? text("1 for logits")
                                          : text("at most %u, and a divisor of the plan's %u x %u",
                                                 Int8Net::max_stride, plan.body_lines, plan.body_samples));
    }
    net->coarsest = layer->stride > net->coarsest ? layer->stride : net->coarsest;
    const uint32_t taps[] = {0, layer->inputs, 9, 4 * layer->inputs, 0};
    layer->taps = taps[static_cast<uint8_t>(layer->kind)];
    return ONB_OK;
}

onb_status read_entries(Cursor *cursor, const Plan &plan, Int8Net *net, onb_detail *detail) {
    const uint8_t *entries = cursor->take(static_cast<uint64_t>(net->layer_count) * entry_size);
    if (entries == nullptr) {
        return cut_short(detail, cursor->part, "the table of layers");
    }
    net->coarsest = 1;
    for (uint32_t i = 0; i < net->layer_count; ++i) {
        const uint8_t *entry = entries + i * entry_size;
        Int8Layer *layer = &net->layers[i];
        decode_entry(entry, layer);
        onb_status status = check_kind(entry, *layer, i, detail);
        if (status == ONB_OK) {
            status = check_sources(*net, *layer, i, detail);
        }
        if (status == ONB_OK) {
            status = place_layer(plan, net, layer, i, detail);
        }
        if (status != ONB_OK) {
            return status;
        }
    }
    return ONB_OK;
}

// Every layer is read by another, or gives logits; all logits together are the outputs.
onb_status check_readers(const Int8Net &net, onb_detail *detail) {
    bool read[Int8Net::max_layers + 1] = {};
    uint32_t outputs = 0;
    for (uint32_t i = 0; i < net.layer_count; ++i) {
        const Int8Layer &layer = net.layers[i];
        read[layer.input] = true;
        read[layer.half] = read[layer.half] || layer.kind == Int8Kind::sum;
        outputs += layer.logits ? layer.outputs : 0;
    }
    for (uint32_t i = 0; i < net.layer_count; ++i) {
        if (!net.layers[i].logits && !read[i + 1]) {
            return refuse_layer(detail, i, "output", text("nothing reads it"), text("a reader, or logits"));
        }
    }
    return outputs == net.outputs
               ? ONB_OK
               : refuse(detail, "body.i8: logits", text("%u", outputs), text("%u outputs", net.outputs));
}

// Whether any sum of one output, and what becomes of it, stays well within 32 bits.
bool bounded(const Int8Net &net, const Int8Layer &layer, uint32_t output) {
    const uint8_t *weights = layer.weights + static_cast<size_t>(output) * layer.taps;
    int64_t sum = 0;
    for (uint32_t k = 0; k < layer.taps; ++k) {
        const auto weight = static_cast<int8_t>(weights[k]);
        sum += weight < 0 ? -weight : weight;
    }
    const double step = layer.sum_step(output, net.input_scale(layer));
    const double steps = static_cast<double>(layer.bias_unit) * 32768.0 / step;
    if (!(step >= static_cast<double>(least_scale)) || !(steps < most_value)) {
        return false;
    }
    const int64_t bias = net.bias(layer, output);
    const int64_t largest = 255 * sum + (bias < 0 ? -bias : bias);
    const double factor = static_cast<double>(net.factor(layer, output));
    return largest < most_sum && factor >= static_cast<double>(least_scale) &&
           factor * static_cast<double>(largest) < most_value;
}

onb_status read_weights(Cursor *cursor, Int8Net *net, uint32_t index, onb_detail *detail) {
    Int8Layer *layer = &net->layers[index];
    const uint64_t outputs = layer->outputs;
    layer->weight_scales = cursor->take(2 * outputs);
    layer->biases = cursor->take(2 * outputs);
    layer->weights = cursor->take(outputs * layer->taps);
    if (layer->weight_scales == nullptr || layer->biases == nullptr || layer->weights == nullptr) {
        return cut_short(detail, cursor->part, text("the weights of layer %u", index + 1).chars);
    }
    for (uint32_t o = 0; o < layer->outputs; ++o) {
        if (read_u16(layer->weight_scales + 2 * static_cast<size_t>(o)) == 0 || !bounded(*net, *layer, o)) {
            return refuse_layer(detail, index, "weights", text("output %u", o),
                                text("a scale above 0, and sums within 30 bits"));
        }
        for (uint32_t k = 0; k < layer->taps; ++k) {
            if (layer->weights[static_cast<size_t>(o) * layer->taps + k] == 0x80) {
                return refuse_layer(detail, index, "weights", text("-128 in output %u", o), text("-127 to 127"));
            }
        }
    }
    return ONB_OK;
}

onb_status check_sum(const Int8Net &net, uint32_t index, onb_detail *detail) {
    const Int8Layer &layer = net.layers[index];
    for (uint32_t source : {layer.input, layer.half}) {
        const double ratio = static_cast<double>(net.layers[source - 1].scale) / static_cast<double>(layer.scale);
        if (!(ratio >= 1e-6 && ratio <= 65536.0)) {
            return refuse_layer(detail, index, "scale", text("%g of that of what it reads", 1.0 / ratio),
                                text("1/65536 to 1e6"));
        }
    }
    return ONB_OK;
}

} // namespace

onb_status read_int8(Bytes part, const Plan &plan, Int8Net *net, onb_detail *detail) {
    *net = Int8Net{};
    Cursor cursor = {part, 0};
    onb_status status = read_header(&cursor, plan, net, detail);
    if (status == ONB_OK) {
        status = read_planes(&cursor, net, detail);
    }
    if (status == ONB_OK) {
        status = read_entries(&cursor, plan, net, detail);
    }
    if (status == ONB_OK) {
        status = check_readers(*net, detail);
    }
    for (uint32_t i = 0; status == ONB_OK && i < net->layer_count; ++i) {
        status = net->layers[i].kind == Int8Kind::sum ? check_sum(*net, i, detail)
                                                      : read_weights(&cursor, net, i, detail);
    }
    if (status == ONB_OK && cursor.at != part.size) {
        return refuse(detail, "body.i8: length", text("%zu bytes", part.size), text("%zu bytes", cursor.at));
    }
    return status;
}

} // namespace onb
