// ONNX graphs of one node, written by hand: just enough of the protobuf format for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

class Proto {
  public:
    const uint8_t *data() const { return bytes_; }
    size_t size() const { return size_; }

    void number(uint32_t field, uint64_t value) {
        varint(field << 3);
        varint(value);
    }
    void text(uint32_t field, const char *value) { blob(field, value, strlen(value)); }
    void message(uint32_t field, const Proto &value) { blob(field, value.bytes_, value.size_); }

  private:
    void blob(uint32_t field, const void *value, size_t size) {
        varint(field << 3 | 2);
        varint(size);
        memcpy(bytes_ + size_, value, size);
        size_ += size;
    }
    void varint(uint64_t value) {
        while (value >= 128) {
            bytes_[size_++] = static_cast<uint8_t>(value | 128);
            value >>= 7;
        }
        bytes_[size_++] = static_cast<uint8_t>(value);
    }
    uint8_t bytes_[512];
    size_t size_ = 0;
};

inline Proto made_value(const char *name, const int64_t *shape, size_t dimensions) {
    Proto dims;
    for (size_t i = 0; i < dimensions; ++i) {
        Proto dim;
        dim.number(1, static_cast<uint64_t>(shape[i]));
        dims.message(1, dim);
    }
    Proto tensor;
    tensor.number(1, 1); // float32
    tensor.message(2, dims);
    Proto type;
    type.message(1, tensor);
    Proto value;
    value.text(1, name);
    value.message(2, type);
    return value;
}

// output = operation(input), both of one shape.
inline Proto made_graph(const char *operation, const char *input, const char *output, const int64_t *shape,
                        size_t dimensions) {
    Proto node;
    node.text(1, input);
    node.text(2, output);
    node.text(4, operation);
    Proto graph;
    graph.message(1, node);
    graph.text(2, "test");
    graph.message(11, made_value(input, shape, dimensions));
    graph.message(12, made_value(output, shape, dimensions));
    Proto opset;
    opset.number(2, 13);
    Proto model;
    model.number(1, 8);
    model.message(7, graph);
    model.message(8, opset);
    return model;
}
