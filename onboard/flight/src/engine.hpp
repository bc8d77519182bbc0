// The inference engine, ONNX Runtime by its C API: loaded at run time, fed from the caller's block.
#pragma once

#include "block_heap.hpp"
#include "plan.hpp"

#include <onnxruntime_c_api.h>

namespace onb {

// Our allocator as the engine sees it; `base` comes first, so that the engine's pointer is ours.
struct EngineAllocator {
    OrtAllocator base;
    OrtMemoryInfo *info;
    BlockHeap heap;
};

// A float32 tensor of fixed shape in our memory, bound to a graph's input or output.
struct Tensor {
    const char *name;
    float *data;
    uint32_t dimensions;
    int64_t shape[4];

    size_t bytes() const;
};

// One graph with both of its tensors bound.
struct Model {
    const char *part; // its name in the bundle
    Tensor input, output;
    OrtSession *session;
    OrtIoBinding *binding;
    OrtValue *input_value, *output_value;
};

struct Engine {
    const OrtApi *api;
    OrtEnv *env;
    OrtSessionOptions *options;
    EngineAllocator allocator;
    bool in_block; // the engine took our allocator
    Model stem, body;
    Model *denoiser; // null unless asked for
};

// Loads the library, and readies environment, options and allocator.
onb_status engine_start(Engine *engine, const onb_config &config, void *block, size_t block_size,
                        onb_detail *detail);
// Builds the graphs; their tensors are set already. Checks names, types and shapes against them.
onb_status engine_build(Engine *engine, const Tables &tables, onb_detail *detail);
// Runs a graph once, on what lies in its input.
onb_status engine_run(Engine *engine, Model *model, onb_detail *detail);
// Gives everything back; may be called on a half-built engine.
void engine_stop(Engine *engine);

} // namespace onb
