// Each instruction set's kernels against the same computed plainly, to the last bit: random shapes, the largest
// and smallest bytes and weights, sums near the bounds that the reader sets, and halves that must go to even.
#include "check.hpp"
#include "int8_levels.hpp"

#include <cstdlib>
#include <cstring>
#include <vector>

using namespace onb;

namespace {

constexpr size_t most_padded = 256;

enum class Fill { random, least, most, mixed };

uint8_t made_byte(Fill fill, Random *random) {
    switch (fill) {
    case Fill::least: return 0;
    case Fill::most: return 255;
    case Fill::mixed: return random->bits() % 2 == 0 ? 0 : 255;
    default: return static_cast<uint8_t>(random->bits());
    }
}

int8_t made_weight(Fill fill, Random *random) {
    switch (fill) {
    case Fill::least: return -127;
    case Fill::most: return 127;
    case Fill::mixed: return random->bits() % 2 == 0 ? -127 : 127;
    default: return static_cast<int8_t>(static_cast<int32_t>(random->bits() % 255) - 127);
    }
}

// Rows in blocks of exactly their size, so that the sanitizer sees what goes too far.
struct Row {
    std::vector<uint8_t> bytes;
    Row(size_t pixels, size_t channels, Fill fill, Random *random) : bytes((pixels + pixel_slack) * channels) {
        for (uint8_t &byte : bytes) {
            byte = made_byte(fill, random);
        }
    }
};

struct Shape {
    size_t outputs, inputs, kernel; // kernel: 1 or 4 for pointwise layers, 9 for depthwise ones
};

// A layer's numbers, and the room that a kernel packs them in.
class Layer {
  public:
    Shape shape;
    std::vector<uint8_t> weights;
    PackedLayer packed;
    int32_t biases[most_padded] = {};
    float factors[most_padded] = {};

    Layer(const Shape &given, Fill fill, Random *random)
        : shape(given), weights(given.outputs * given.inputs * given.kernel), packed() {
        const bool depthwise = shape.kernel == 9;
        for (uint8_t &weight : weights) {
            weight = static_cast<uint8_t>(made_weight(fill, random));
        }
        const size_t outputs = padded_channels(shape.outputs);
        packed.blocks = outputs / block_outputs;
        packed.depth = depthwise ? outputs : shape.kernel * padded_channels(shape.inputs);
        room_ = 2 * (depthwise ? packed_depthwise(outputs) : packed_pointwise(outputs, packed.depth));
        void *block = nullptr;
        if (posix_memalign(&block, 64, room_) != 0) {
            abort();
        }
        packed.weights = static_cast<int16_t *>(block);
        make_numbers(random);
        // Aligned as in the arena.
        packed.biases = aligned_biases_;
        packed.factors = aligned_factors_;
        memcpy(aligned_biases_, biases, sizeof biases);
        memcpy(aligned_factors_, factors, sizeof factors);
    }
    ~Layer() { free(packed.weights); }
    Layer(const Layer &) = delete;
    Layer &operator=(const Layer &) = delete;

    void pack(const Int8Kernels &kernels) {
        memset(packed.weights, 0xAA, room_);
        if (shape.kernel == 9) {
            kernels.pack_depthwise({weights.data(), shape.outputs, 9, 1, 1}, packed);
        } else {
            kernels.pack_pointwise(
                {weights.data(), shape.outputs, shape.kernel, shape.inputs, padded_channels(shape.inputs)}, packed);
        }
    }
    int64_t weight(size_t output, size_t place, size_t input) const {
        return static_cast<int8_t>(weights[(output * shape.kernel + place) * shape.inputs + input]);
    }

  private:
    size_t room_ = 0;
    alignas(64) int32_t aligned_biases_[most_padded];
    alignas(64) float aligned_factors_[most_padded];

    // Some outputs near the bounds of 30 bits, some whose sums end on halves, most within a byte.
    void make_numbers(Random *random) {
        const auto taps = static_cast<int32_t>(shape.kernel * shape.inputs);
        const int32_t bound = (1 << 30) - 1 - 255 * 127 * taps;
        for (size_t o = 0; o < shape.outputs; ++o) {
            switch (random->bits() % 4) {
            case 0:
                biases[o] = random->bits() % 2 == 0 ? bound : -bound;
                factors[o] = 1.0f;
                break;
            case 1:
                biases[o] = static_cast<int32_t>(random->bits() % 600) - 50;
                factors[o] = 0.5f;
                break;
            default:
                biases[o] = static_cast<int32_t>(random->bits() % 2000000) - 1000000;
                factors[o] = static_cast<float>(std::exp(random->uniform(-12.0, -4.0)));
            }
        }
    }
};

uint8_t byte(float value) { return static_cast<uint8_t>(std::nearbyintf(std::fmin(std::fmax(value, 0.0f), 255.0f))); }

// What every kernel must give, one number after the other: out[x][o].
std::vector<float> plain(const Layer &layer, const uint8_t *const *rows, size_t count) {
    const size_t outputs = padded_channels(layer.shape.outputs);
    const size_t width = padded_channels(layer.shape.inputs);
    const bool depthwise = layer.shape.kernel == 9;
    const size_t across = depthwise ? 3 : layer.shape.kernel == 4 ? 2 : 1; // places of one row
    std::vector<float> result(count * outputs, 0.0f);
    for (size_t x = 0; x < count; ++x) {
        for (size_t o = 0; o < layer.shape.outputs; ++o) {
            int64_t sum = layer.biases[o];
            for (size_t place = 0; place < layer.shape.kernel; ++place) {
                const uint8_t *row = rows[place / across];
                const uint8_t *pixel = depthwise ? row + (x + place % 3) * outputs - outputs + o
                                                 : row + (x * across + place % across) * width;
                for (size_t k = 0; k < layer.shape.inputs; ++k) {
                    sum += layer.weight(o, place, k) * pixel[k];
                }
            }
            result[x * outputs + o] = static_cast<float>(sum) * layer.factors[o];
        }
    }
    return result;
}

void check_bytes(const char *name, const char *what, const std::vector<float> &expected, const uint8_t *out) {
    size_t wrong = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        wrong += out[i] == byte(expected[i]) ? 0 : 1;
    }
    if (wrong > 0) {
        (void)fprintf(stderr, "%s: %s: %zu of %zu bytes differ\n", name, what, wrong, expected.size());
    }
    CHECK(wrong == 0);
}

struct Fills {
    Fill bytes, weights;
};

void compare_pointwise(const Shape &shape, size_t count, Fills fills, Random *random) {
    Layer layer(shape, fills.weights, random);
    const size_t across = shape.kernel == 4 ? 2 : 1;
    const size_t width = across * padded_channels(shape.inputs);
    const Row top(count, width, fills.bytes, random);
    const Row bottom(count, width, fills.bytes, random);
    const uint8_t *const rows[2] = {top.bytes.data(), bottom.bytes.data()};
    const std::vector<float> expected = plain(layer, rows, count);
    const size_t outputs = padded_channels(shape.outputs);
    for (size_t k = 0; k < kernel_count(); ++k) {
        const Int8Kernels &kernels = *all_kernels[k];
        layer.pack(kernels);
        std::vector<uint8_t> out((count + pixel_slack) * outputs, 77);
        kernels.pointwise(rows, across, count, layer.packed, out.data());
        check_bytes(kernels.name, "pointwise", expected, out.data());
        if (across == 1) {
            std::vector<float> numbers((count + pixel_slack) * outputs, NAN);
            kernels.logits(rows[0], count, layer.packed, numbers.data());
            CHECK(memcmp(numbers.data(), expected.data(), expected.size() * sizeof(float)) == 0);
        }
    }
}

void compare_depthwise(size_t channels, size_t count, Fills fills, Random *random) {
    Layer layer({channels, 1, 9}, fills.weights, random);
    const size_t padded = padded_channels(channels);
    const Row made[3] = {Row(count + 1, padded, fills.bytes, random), Row(count + 1, padded, fills.bytes, random),
                         Row(count + 1, padded, fills.bytes, random)};
    const uint8_t *const rows[3] = {made[0].bytes.data() + padded, made[1].bytes.data() + padded,
                                    made[2].bytes.data() + padded};
    const std::vector<float> expected = plain(layer, rows, count);
    for (size_t k = 0; k < kernel_count(); ++k) {
        const Int8Kernels &kernels = *all_kernels[k];
        layer.pack(kernels);
        std::vector<uint8_t> out((count + pixel_slack) * padded, 77);
        kernels.depthwise(rows, count, layer.packed, out.data());
        check_bytes(kernels.name, "depthwise", expected, out.data());
    }
}

void compare_add(size_t channels, size_t count, size_t odd, Fill fill, Random *random) {
    const Row fine(count, channels, fill, random);
    const Row half(count / 2 + 1, channels, fill, random);
    // Halves of bytes end on ties; the others reach the bounds.
    const float factors[][2] = {{0.5f, 0.5f}, {1.0f, 1.0f}, {65536.0f, 1e-6f}, {0.7331f, 0.2917f}};
    for (const auto &pair : factors) {
        std::vector<float> expected(count * channels);
        for (size_t i = 0; i < expected.size(); ++i) {
            const size_t pixel = (i / channels + odd) / 2;
            const float one = static_cast<float>(fine.bytes[i]) * pair[0];
            const float other = static_cast<float>(half.bytes[pixel * channels + i % channels]) * pair[1];
            expected[i] = one + other;
        }
        for (size_t k = 0; k < kernel_count(); ++k) {
            std::vector<uint8_t> out((count + pixel_slack) * channels, 77);
            all_kernels[k]->add(fine.bytes.data(), half.bytes.data(), odd, channels, count, pair[0], pair[1],
                                out.data());
            check_bytes(all_kernels[k]->name, "add", expected, out.data());
        }
    }
}

size_t up_to(size_t limit, Random *random) { return 1 + random->bits() % limit; }

void test_random_shapes() {
    Random random(1);
    for (int round = 0; round < 60; ++round) {
        const Fills fills = {Fill::random, Fill::random};
        compare_pointwise({up_to(80, &random), up_to(80, &random), 1}, up_to(40, &random), fills, &random);
        compare_pointwise({up_to(40, &random), up_to(40, &random), 4}, up_to(20, &random), fills, &random);
        compare_depthwise(up_to(100, &random), up_to(120, &random), fills, &random);
        compare_add(16 * up_to(6, &random), up_to(50, &random), random.bits() % 2, Fill::random, &random);
    }
}

void test_extreme_values() {
    Random random(2);
    const Fill fills[] = {Fill::random, Fill::least, Fill::most, Fill::mixed};
    for (Fill bytes : fills) {
        for (Fill weights : fills) {
            compare_pointwise({17, 48, 1}, 19, {bytes, weights}, &random);
            compare_pointwise({20, 33, 4}, 9, {bytes, weights}, &random);
            compare_depthwise(33, 55, {bytes, weights}, &random);
        }
        compare_add(32, 21, 1, bytes, &random);
    }
}

void test_largest_layers() {
    Random random(3);
    for (Fill fill : {Fill::most, Fill::mixed}) {
        compare_pointwise({256, 256, 4}, 3, {fill, fill}, &random);
        compare_pointwise({3, 256, 1}, 5, {fill, fill}, &random);
        compare_depthwise(256, 50, {fill, fill}, &random);
        compare_depthwise(240, 7, {fill, fill}, &random);
    }
}

// Only a build for one kind of machine knows which kernels it should find there.
void test_the_level_that_was_promised() {
    (void)fprintf(stderr, "best kernels here: %s\n", int8_kernels().name);
    const char *promised = getenv("ONBOARD_EXPECTED_KERNELS");
    CHECK(promised == nullptr || strcmp(promised, int8_kernels().name) == 0);
}

} // namespace

int main() {
    test_the_level_that_was_promised();
    test_random_shapes();
    test_extreme_values();
    test_largest_layers();
    return failures;
}
