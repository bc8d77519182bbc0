// A quantized body made in memory, with every kind of layer, and the same computed plainly.
#pragma once

#include "check.hpp"
#include "int8_net.hpp"
#include "plan.hpp"

#include <cstdlib>
#include <cstring>
#include <vector>

struct MadeLayer {
    onb::Int8Kind kind;
    bool logits;
    uint8_t input, half;
    uint16_t outputs, inputs;
};

constexpr uint32_t made_planes = 7;
constexpr uint32_t made_outputs = 4;

// Two branches: down and up again beside a skip, and one of many channels; both have a head.
inline std::vector<MadeLayer> made_layers() {
    using onb::Int8Kind;
    return {
        {Int8Kind::pointwise, false, 0, 0, 8, made_planes},  // 1
        {Int8Kind::depthwise, false, 1, 0, 8, 8},            // 2
        {Int8Kind::pointwise, false, 2, 0, 16, 8},           // 3
        {Int8Kind::halve, false, 3, 0, 20, 16},              // 4
        {Int8Kind::depthwise, false, 4, 0, 20, 20},          // 5
        {Int8Kind::halve, false, 5, 0, 33, 20},              // 6
        {Int8Kind::depthwise, false, 6, 0, 33, 33},          // 7
        {Int8Kind::pointwise, false, 7, 0, 20, 33},          // 8
        {Int8Kind::sum, false, 5, 8, 20, 20},                // 9
        {Int8Kind::pointwise, false, 9, 0, 16, 20},          // 10
        {Int8Kind::sum, false, 3, 10, 16, 16},               // 11
        {Int8Kind::depthwise, false, 11, 0, 16, 16},         // 12
        {Int8Kind::pointwise, true, 12, 0, 1, 16},           // 13
        {Int8Kind::pointwise, false, 0, 0, 49, made_planes}, // 14
        {Int8Kind::depthwise, false, 14, 0, 49, 49},         // 15
        {Int8Kind::pointwise, true, 15, 0, 3, 49},           // 16
    };
}

class MadeInt8 {
  public:
    std::vector<uint8_t> bytes;
    size_t table; // where the layers' entries begin

    explicit MadeInt8(uint64_t seed, const std::vector<MadeLayer> &layers = made_layers()) : table(0) {
        Random random(seed);
        text("ONBBODY8", 8);
        whole(1);
        whole(0);
        half(made_planes);
        half(static_cast<uint32_t>(layers.size()));
        half(made_outputs);
        bytes.resize(32);
        for (uint32_t i = 0; i < made_planes; ++i) {
            real(0.02f + 0.01f * static_cast<float>(i));
        }
        for (uint32_t i = 0; i < (made_planes + 3) / 4 * 4; ++i) {
            bytes.push_back(static_cast<uint8_t>(i < made_planes ? random.bits() % 256 : 0));
        }
        table = bytes.size();
        for (const MadeLayer &layer : layers) {
            entry(layer);
        }
        for (const MadeLayer &layer : layers) {
            numbers(layer, &random);
        }
        put_u32(12, static_cast<uint32_t>(bytes.size()));
    }

    onb::Bytes part() const { return {bytes.data(), bytes.size()}; }
    void put_u32(size_t at, uint32_t value) { memcpy(bytes.data() + at, &value, 4); }
    void put_f32(size_t at, float value) { memcpy(bytes.data() + at, &value, 4); }
    size_t entry_at(size_t layer) const { return table + (layer - 1) * 20; }

  private:
    void text(const char *value, size_t size) {
        for (size_t i = 0; i < size; ++i) { // GCC 12 warns falsely of insert() at -O3
            bytes.push_back(static_cast<uint8_t>(value[i]));
        }
    }
    void half(uint32_t value) {
        bytes.push_back(static_cast<uint8_t>(value));
        bytes.push_back(static_cast<uint8_t>(value >> 8));
    }
    void whole(uint32_t value) {
        half(value & 0xffffu);
        half(value >> 16);
    }
    void real(float value) {
        uint32_t bits = 0;
        memcpy(&bits, &value, 4);
        whole(bits);
    }
    void entry(const MadeLayer &layer) {
        bytes.push_back(static_cast<uint8_t>(layer.kind));
        bytes.push_back(layer.logits ? 1 : 0);
        bytes.push_back(layer.input);
        bytes.push_back(layer.half);
        half(layer.outputs);
        half(layer.inputs);
        const bool sum = layer.kind == onb::Int8Kind::sum;
        real(layer.logits ? 1.0f : sum ? 0.05f : 0.03f);
        real(sum ? 0.0f : 1e-6f);
        real(sum ? 0.0f : 1e-4f);
    }
    void numbers(const MadeLayer &layer, Random *random) {
        const uint32_t taps[] = {0, layer.inputs, 9, 4u * layer.inputs, 0};
        const uint32_t count = taps[static_cast<uint8_t>(layer.kind)];
        if (count == 0) {
            return;
        }
        // Sums that reach the whole of a byte, and beyond it at both ends.
        const double deep = layer.input == 0 ? 300.0 : 4000.0;
        const auto scale = static_cast<uint32_t>(deep * std::sqrt(16.0 / count));
        for (uint32_t i = 0; i < layer.outputs; ++i) {
            half(scale + random->bits() % 100);
        }
        for (uint32_t i = 0; i < layer.outputs; ++i) {
            half(random->bits() % 20000);
        }
        for (uint32_t i = 0; i < layer.outputs * count; ++i) {
            bytes.push_back(static_cast<uint8_t>(static_cast<int32_t>(random->bits() % 255) - 127));
        }
    }
};

inline onb::Plan made_plan(uint32_t lines, uint32_t samples) {
    onb::Plan plan{};
    plan.static_features = made_planes - 4;
    plan.minerals = made_outputs - 1;
    plan.body_lines = lines;
    plan.body_samples = samples;
    return plan;
}

// All layers of a net, whole, one number after the other.
class PlainInt8 {
  public:
    std::vector<float> logits; // [outputs][lines][samples]

    PlainInt8(const onb::Int8Net &net, const std::vector<uint8_t> &planes, uint32_t lines, uint32_t samples)
        : net_(net), lines_(lines), samples_(samples) {
        tensors_.push_back(planes);
        for (uint32_t i = 0; i < net.layer_count; ++i) {
            tensors_.emplace_back();
            run(net.layers[i]);
        }
    }

  private:
    const onb::Int8Net &net_;
    uint32_t lines_, samples_;
    std::vector<std::vector<uint8_t>> tensors_;

    uint32_t stride(uint32_t source) const { return source == 0 ? 1 : net_.layers[source - 1].stride; }
    uint32_t channels(uint32_t source) const { return source == 0 ? net_.planes : net_.layers[source - 1].outputs; }
    int32_t at(uint32_t source, int64_t y, int64_t x, uint32_t c) const {
        const int64_t height = lines_ / stride(source);
        const int64_t width = samples_ / stride(source);
        if (y < 0 || x < 0 || y >= height || x >= width) {
            return 0;
        }
        return tensors_[source][static_cast<size_t>((y * width + x) * channels(source) + c)];
    }
    static uint8_t byte(float value) {
        return static_cast<uint8_t>(std::nearbyintf(std::fmin(std::fmax(value, 0.0f), 255.0f)));
    }
    int64_t sum(const onb::Int8Layer &layer, uint32_t o, int64_t y, int64_t x) const {
        int64_t total = net_.bias(layer, o);
        const uint32_t inputs = layer.kind == onb::Int8Kind::depthwise ? 1 : layer.inputs;
        for (uint32_t k = 0; k < layer.taps; ++k) {
            const uint32_t place = k / inputs;
            const uint32_t c = layer.kind == onb::Int8Kind::depthwise ? o : k % inputs;
            int64_t row = y;
            int64_t column = x;
            if (layer.kind == onb::Int8Kind::depthwise) {
                row = y + place / 3 - 1;
                column = x + place % 3 - 1;
            } else if (layer.kind == onb::Int8Kind::halve) {
                row = 2 * y + place / 2;
                column = 2 * x + place % 2;
            }
            const auto weight = static_cast<int8_t>(layer.weights[static_cast<size_t>(o) * layer.taps + k]);
            total += static_cast<int64_t>(weight) * at(layer.input, row, column, c);
        }
        return total;
    }
    float pixel(const onb::Int8Layer &layer, uint32_t o, int64_t y, int64_t x) const {
        if (layer.kind != onb::Int8Kind::sum) {
            return static_cast<float>(sum(layer, o, y, x)) * net_.factor(layer, o);
        }
        const float fine = net_.layers[layer.input - 1].scale / layer.scale;
        const float half = net_.layers[layer.half - 1].scale / layer.scale;
        const float one = static_cast<float>(at(layer.input, y, x, o)) * fine;
        const float other = static_cast<float>(at(layer.half, y / 2, x / 2, o)) * half;
        return one + other;
    }
    void run(const onb::Int8Layer &layer) {
        const int64_t height = lines_ / layer.stride;
        const int64_t width = samples_ / layer.stride;
        std::vector<uint8_t> &out = tensors_.back();
        out.resize(static_cast<size_t>(height * width * layer.outputs));
        for (uint32_t o = 0; o < layer.outputs; ++o) {
            for (int64_t i = 0; i < height * width; ++i) {
                const float value = pixel(layer, o, i / width, i % width);
                if (layer.logits) {
                    logits.push_back(value);
                } else {
                    out[static_cast<size_t>(i * layer.outputs + o)] = byte(value);
                }
            }
        }
    }
};
