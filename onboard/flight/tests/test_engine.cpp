#include "engine.hpp"
#include "check.hpp"
#include "made_graph.hpp"

using namespace onb;

namespace {

alignas(64) uint8_t block[1 << 20];
alignas(64) float stem_tensors[2][6];
alignas(64) float body_tensors[2][8];
const int64_t stem_shape[] = {2, 3};
const int64_t body_shape[] = {1, 2, 2, 2};

onb_config make_config() {
    onb_config config{};
    config.threads = 1;
    return config;
}

void set_tensors(Engine *engine) {
    engine->stem.part = "stem.onnx";
    engine->stem.input = {"log_radiance", stem_tensors[0], 2, {2, 3, 0, 0}};
    engine->stem.output = {"features", stem_tensors[1], 2, {2, 3, 0, 0}};
    engine->body.part = "body.onnx";
    engine->body.input = {"features", body_tensors[0], 4, {1, 2, 2, 2}};
    engine->body.output = {"logits", body_tensors[1], 4, {1, 2, 2, 2}};
}

onb_status build(Engine *engine, const Proto &stem, const Proto &body, onb_detail *detail) {
    set_tensors(engine);
    Tables tables{};
    tables.stem = {stem.data(), stem.size()};
    tables.body = {body.data(), body.size()};
    onb_status status = engine_start(engine, make_config(), block, sizeof block, detail);
    if (status == ONB_OK) {
        status = engine_build(engine, tables, detail);
    }
    return status;
}

void test_graphs_run_on_our_memory() {
    Engine engine{};
    onb_detail detail{};
    const Proto stem = made_graph("Neg", "log_radiance", "features", stem_shape, 2);
    const Proto body = made_graph("Abs", "features", "logits", body_shape, 4);
    CHECK(build(&engine, stem, body, &detail) == ONB_OK);
    CHECK(engine.in_block);
    for (int i = 0; i < 6; ++i) {
        stem_tensors[0][i] = static_cast<float>(i);
    }
    body_tensors[0][7] = -3.0f;
    CHECK(engine_run(&engine, &engine.stem, &detail) == ONB_OK);
    CHECK(engine_run(&engine, &engine.body, &detail) == ONB_OK);
    CHECK(stem_tensors[1][5] == -5.0f && body_tensors[1][7] == 3.0f);
    CHECK(engine.allocator.heap.overflows() == 0);
    engine_stop(&engine);
    engine_stop(&engine);
}

// The optional third graph: built only where it is wanted, and held to its tensors like the others.
void test_a_denoiser_is_built_if_wanted() {
    const Proto stem = made_graph("Neg", "log_radiance", "features", stem_shape, 2);
    const Proto body = made_graph("Abs", "features", "logits", body_shape, 4);
    const Proto good = made_graph("Neg", "planes", "denoised", body_shape, 4);
    for (const int64_t lines : {2, 3}) {
        Engine engine{};
        Model denoiser{};
        onb_detail detail{};
        denoiser.part = "denoiser.onnx";
        denoiser.input = {"planes", body_tensors[0], 4, {1, 2, lines, 2}};
        denoiser.output = {"denoised", body_tensors[1], 4, {1, 2, lines, 2}};
        engine.denoiser = &denoiser;
        set_tensors(&engine);
        Tables tables{};
        tables.stem = {stem.data(), stem.size()};
        tables.body = {body.data(), body.size()};
        tables.denoiser = {good.data(), good.size()};
        CHECK(engine_start(&engine, make_config(), block, sizeof block, &detail) == ONB_OK);
        if (lines == 3) {
            CHECK(engine_build(&engine, tables, &detail) == ONB_BUNDLE_MODEL);
            CHECK(strcmp(detail.field, "denoiser.onnx: input") == 0);
        } else {
            CHECK(engine_build(&engine, tables, &detail) == ONB_OK);
            body_tensors[0][3] = 5.0f;
            CHECK(engine_run(&engine, &denoiser, &detail) == ONB_OK && body_tensors[1][3] == -5.0f);
        }
        engine_stop(&engine);
    }
}

// Two engines at once: each keeps to its own allocator.
void test_two_engines() {
    Engine one{};
    Engine other{};
    onb_detail detail{};
    const Proto stem = made_graph("Neg", "log_radiance", "features", stem_shape, 2);
    const Proto body = made_graph("Abs", "features", "logits", body_shape, 4);
    CHECK(build(&one, stem, body, &detail) == ONB_OK);
    alignas(64) static uint8_t second[1 << 20];
    set_tensors(&other);
    Tables tables{};
    tables.stem = {stem.data(), stem.size()};
    tables.body = {body.data(), body.size()};
    CHECK(engine_start(&other, make_config(), second, sizeof second, &detail) == ONB_OK);
    CHECK(engine_build(&other, tables, &detail) == ONB_OK && other.in_block);
    engine_stop(&one);
    CHECK(engine_run(&other, &other.body, &detail) == ONB_OK);
    engine_stop(&other);
}

void check_refused(const Proto &stem, const Proto &body, const char *field) {
    Engine engine{};
    onb_detail detail{};
    CHECK(build(&engine, stem, body, &detail) == ONB_BUNDLE_MODEL);
    CHECK(strcmp(detail.field, field) == 0);
    CHECK(detail.found[0] != '\0');
    engine_stop(&engine);
}

void test_other_tensors_are_refused() {
    const Proto stem = made_graph("Neg", "log_radiance", "features", stem_shape, 2);
    const Proto body = made_graph("Abs", "features", "logits", body_shape, 4);
    const int64_t wide[] = {2, 4};
    check_refused(made_graph("Neg", "log_radiance", "features", wide, 2), body, "stem.onnx: input");
    check_refused(made_graph("Neg", "radiance", "features", stem_shape, 2), body, "stem.onnx: input");
    check_refused(stem, made_graph("Abs", "features", "other", body_shape, 4), "body.onnx: output");
    check_refused(stem, made_graph("Abs", "features", "logits", body_shape, 3), "body.onnx: input");
    check_refused(stem, made_graph("NoSuchOperator", "features", "logits", body_shape, 4), "engine");
}

void test_a_missing_library_is_told() {
    Engine engine{};
    onb_detail detail{};
    onb_config config = make_config();
    config.engine_library = "/nowhere/libonnxruntime.so";
    CHECK(engine_start(&engine, config, block, sizeof block, &detail) == ONB_ENGINE_MISSING);
    CHECK(strcmp(detail.field, "engine_library") == 0);
    engine_stop(&engine);
}

} // namespace

int main() {
    test_graphs_run_on_our_memory();
    test_a_denoiser_is_built_if_wanted();
    test_two_engines();
    test_other_tensors_are_refused();
    test_a_missing_library_is_told();
    return failures;
}
