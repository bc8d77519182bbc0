// The quantized body row by row, in shares and panels, against the same computed whole and plainly.
#include "int8_body.hpp"
#include "int8_levels.hpp"
#include "made_int8.hpp"

using namespace onb;

namespace {

// A body in a block of exactly its size, so that the sanitizer sees what goes too far.
struct MadeBody {
    Int8Body body;
    void *block;

    MadeBody(const Int8Net &net, const Int8Shape &shape) : body(), block(nullptr) {
        Arena measure;
        lay_out_int8(&body, net, shape, &measure);
        if (posix_memalign(&block, 64, measure.used()) != 0) {
            abort();
        }
        memset(block, 0xAA, measure.used());
        Arena arena(block, measure.used());
        lay_out_int8(&body, net, shape, &arena);
        CHECK(arena.used() == measure.used() && !arena.overflow());
        load_int8(&body, net);
        CHECK(workers_start(&body.workers, shape.threads));
    }
    ~MadeBody() {
        workers_stop(&body.workers);
        free(block);
    }
    MadeBody(const MadeBody &) = delete;
    MadeBody &operator=(const MadeBody &) = delete;

    // load_int8 takes the machine's best; a test wants each in turn.
    void use(const Int8Net &net, const Int8Kernels &kernels) {
        body.kernels = &kernels;
        for (uint32_t i = 0; i < body.step_count; ++i) {
            const Int8Layer &layer = net.layers[i];
            const size_t kernel = layer.kind == Int8Kind::halve ? 4 : 1;
            if (layer.kind == Int8Kind::depthwise) {
                kernels.pack_depthwise({layer.weights, layer.outputs, 9, 1, 1}, body.steps[i].packed);
            } else if (layer.kind != Int8Kind::sum) {
                kernels.pack_pointwise(
                    {layer.weights, layer.outputs, kernel, layer.inputs, padded_channels(layer.inputs)},
                    body.steps[i].packed);
            }
        }
    }
};

// The window as the session has it: channels padded, room behind the last line.
std::vector<uint8_t> window_of(const std::vector<uint8_t> &planes, size_t pixels) {
    const size_t channels = padded_channels(made_planes);
    std::vector<uint8_t> window((pixels + pixel_slack) * channels, 0);
    for (size_t i = 0; i < pixels; ++i) {
        memcpy(&window[i * channels], &planes[i * made_planes], made_planes);
    }
    return window;
}

struct Case {
    uint32_t lines, samples, threads;
    Int8Range rows, columns;
};

void compare(const Case &given, uint64_t seed) {
    const MadeInt8 made(seed);
    Int8Net net;
    CHECK(read_int8(made.part(), made_plan(given.lines, given.samples), &net, nullptr) == ONB_OK);
    Random random(seed + 1);
    const size_t pixels = static_cast<size_t>(given.lines) * given.samples;
    std::vector<uint8_t> planes(pixels * made_planes);
    for (uint8_t &value : planes) {
        value = static_cast<uint8_t>(random.bits());
    }
    const PlainInt8 plain(net, planes, given.lines, given.samples);
    const std::vector<uint8_t> window = window_of(planes, pixels);
    const auto rows = static_cast<uint32_t>(given.rows.high - given.rows.low);
    MadeBody work(net, {given.lines, given.samples, static_cast<uint32_t>(given.rows.low), rows, given.threads});
    for (size_t k = 0; k < kernel_count(); ++k) {
        work.use(net, *all_kernels[k]);
        std::vector<float> logits(plain.logits.size(), NAN);
        const size_t pitch = given.samples * padded_channels(made_planes);
        for (int round = 0; round < 2; ++round) { // the second finds what the first left behind
            run_int8(&work.body, {window.data(), pitch, given.rows, given.columns, logits.data()});
        }
        size_t wrong = 0;
        for (size_t o = 0; o < made_outputs; ++o) {
            for (int32_t y = given.rows.low; y < given.rows.high; ++y) {
                for (int32_t x = given.columns.low; x < given.columns.high; ++x) {
                    const size_t at = o * pixels + static_cast<size_t>(y) * given.samples + static_cast<size_t>(x);
                    wrong += logits[at] == plain.logits[at] ? 0 : 1;
                }
            }
        }
        if (wrong > 0) {
            (void)fprintf(stderr, "%s: %zu of %zu logits differ\n", all_kernels[k]->name, wrong, plain.logits.size());
        }
        CHECK(wrong == 0);
    }
}

void test_whole_strips() {
    compare({16, 24, 1, {0, 16}, {0, 24}}, 1);
    compare({24, 40, 1, {8, 16}, {0, 40}}, 2);
    compare({4, 4, 1, {0, 4}, {0, 4}}, 3);
}

void test_shares_and_panels() {
    compare({24, 64, 2, {8, 16}, {0, 64}}, 4);
    compare({24, 64, 3, {8, 16}, {5, 51}}, 5);
    compare({24, 64, 5, {8, 9}, {0, 64}}, 6);
    compare({16, 8, 4, {0, 16}, {0, 8}}, 7); // more threads than pieces
}

void test_bytes_are_spread() {
    const MadeInt8 made(9);
    Int8Net net;
    CHECK(read_int8(made.part(), made_plan(16, 16), &net, nullptr) == ONB_OK);
    std::vector<uint8_t> planes(16 * 16 * made_planes);
    Random random(10);
    for (uint8_t &value : planes) {
        value = static_cast<uint8_t>(random.bits());
    }
    const PlainInt8 plain(net, planes, 16, 16);
    float least = plain.logits[0];
    float most = plain.logits[0];
    for (float value : plain.logits) {
        least = std::fmin(least, value);
        most = std::fmax(most, value);
    }
    CHECK(most - least > 1.0f); // the other tests compare something
}

void test_rings_hold_few_rows() {
    const MadeInt8 made(11);
    Int8Net net;
    CHECK(read_int8(made.part(), made_plan(128, 1248), &net, nullptr) == ONB_OK);
    const MadeBody work(net, {128, 1248, 32, 64, 2});
    for (uint32_t i = 0; i < work.body.step_count; ++i) {
        const Int8Step &step = work.body.steps[i];
        CHECK(step.height >= 1 && step.height <= 24);
        CHECK(!step.inlined || step.height == 1);
        CHECK(step.pixels <= 1248 / 2 / step.stride + 40);
    }
    CHECK(work.body.steps[1].inlined && work.body.steps[6].inlined);
    CHECK(!work.body.steps[4].inlined); // two layers read it
}

void test_changed_weights_are_found() {
    const MadeInt8 made(12);
    Int8Net net;
    CHECK(read_int8(made.part(), made_plan(16, 16), &net, nullptr) == ONB_OK);
    MadeBody work(net, {16, 16, 0, 16, 1});
    CHECK(int8_intact(work.body));
    work.body.steps[3].packed.weights[5] = static_cast<int16_t>(work.body.steps[3].packed.weights[5] ^ 4);
    CHECK(!int8_intact(work.body));
    work.body.steps[3].packed.weights[5] = static_cast<int16_t>(work.body.steps[3].packed.weights[5] ^ 4);
    CHECK(int8_intact(work.body));
    size_t sums = 0;
    for (uint32_t i = 0; i < work.body.step_count; ++i) {
        if (work.body.steps[i].kind == Int8Kind::sum) {
            work.body.steps[i].half_factor *= 4.0f;
            CHECK(!int8_intact(work.body));
            work.body.steps[i].half_factor /= 4.0f;
            ++sums;
        }
    }
    CHECK(sums > 0 && int8_intact(work.body));
}

void test_lines_become_bytes() {
    const MadeInt8 made(13);
    Int8Net net;
    CHECK(read_int8(made.part(), made_plan(16, 16), &net, nullptr) == ONB_OK);
    const MadeBody work(net, {16, 16, 0, 16, 1});
    constexpr size_t samples = 150;
    std::vector<float> values(made_planes * samples);
    Random random(14);
    for (float &value : values) {
        value = static_cast<float>(random.uniform(-8.0, 8.0));
    }
    values[3] = 1e30f;
    values[4] = -1e30f;
    values[5] = 0.0f;
    const float *planes[made_planes];
    for (size_t c = 0; c < made_planes; ++c) {
        planes[c] = &values[c * samples];
    }
    const size_t channels = padded_channels(made_planes);
    for (size_t k = 0; k < kernel_count(); ++k) {
        std::vector<uint8_t> out(samples * channels, 77);
        all_kernels[k]->quantize(planes, work.body.inverse_scales, work.body.zeros, made_planes, channels, samples,
                                 out.data());
        size_t wrong = 0;
        for (size_t x = 0; x < samples; ++x) {
            for (size_t c = 0; c < channels; ++c) {
                double expected = 0.0;
                if (c < made_planes) {
                    const float steps = planes[c][x] * work.body.inverse_scales[c];
                    expected = std::nearbyint(static_cast<double>(steps)) + work.body.zeros[c];
                    expected = std::fmin(std::fmax(expected, 0.0), 255.0);
                }
                wrong += out[x * channels + c] == static_cast<uint8_t>(expected) ? 0 : 1;
            }
        }
        CHECK(wrong == 0);
    }
    std::vector<uint8_t> clear(3 * channels, 99);
    int8_clear_line(work.body, 3, clear.data());
    CHECK(clear[channels + 2] == net.plane_zeros[2] && clear[3 * channels - 1] == 0);
}

} // namespace

int main() {
    test_whole_strips();
    test_shares_and_panels();
    test_bytes_are_spread();
    test_rings_hold_few_rows();
    test_changed_weights_are_found();
    test_lines_become_bytes();
    return failures;
}
