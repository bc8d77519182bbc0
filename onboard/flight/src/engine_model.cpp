// Building one graph: create, hold its tensors against the plan, bind them.
#include "engine_internal.hpp"

#include <cstring>

namespace onb {

namespace {

typedef OrtStatus *(ORT_API_CALL *GetCount)(const OrtSession *, size_t *);
typedef OrtStatus *(ORT_API_CALL *GetName)(const OrtSession *, size_t, OrtAllocator *, char **);
typedef OrtStatus *(ORT_API_CALL *GetType)(const OrtSession *, size_t, OrtTypeInfo **);

// What one end of a graph is called, and how the engine is asked about it.
struct End {
    const char *which;
    const Tensor *tensor;
    GetCount count;
    GetName name;
    GetType type;
};

Text shape_text(const int64_t *shape, size_t dimensions) {
    Text result = text("float32 [");
    size_t used = strlen(result.chars);
    for (size_t i = 0; i < dimensions && i < 8; ++i) {
        const char *comma = i + 1 < dimensions ? ", " : "]";
        const Text next = text("%lld%s", static_cast<long long>(shape[i]), comma);
        const size_t length = strlen(next.chars);
        if (used + length + 1 > sizeof result.chars) {
            break;
        }
        memcpy(result.chars + used, next.chars, length + 1);
        used += length;
    }
    return result;
}

onb_status refuse(const Model &model, const End &end, const Text &found, const Text &expected,
                  onb_detail *detail) {
    const Text field = text("%s: %s", model.part, end.which);
    return fail(detail, ONB_BUNDLE_MODEL, "a graph does not have the tensors that the plan promises",
                field.chars, found, expected);
}

onb_status check_shape(const Model &model, const End &end, const int64_t *shape, size_t dimensions,
                       ONNXTensorElementDataType type, onb_detail *detail) {
    const Tensor &tensor = *end.tensor;
    bool same = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT && dimensions == tensor.dimensions;
    for (uint32_t i = 0; same && i < tensor.dimensions; ++i) {
        same = shape[i] == tensor.shape[i];
    }
    if (same) {
        return ONB_OK;
    }
    const Text found = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? shape_text(shape, dimensions)
                                                                   : text("element type %d", static_cast<int>(type));
    return refuse(model, end, found, shape_text(tensor.shape, tensor.dimensions), detail);
}

onb_status check_type(const OrtApi *api, const Model &model, const End &end, onb_detail *detail) {
    OrtTypeInfo *info = nullptr;
    const OrtTensorTypeAndShapeInfo *tensor = nullptr;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t dimensions = 0;
    int64_t shape[8] = {};
    OrtStatus *error = end.type(model.session, 0, &info);
    if (error == nullptr) {
        error = api->CastTypeInfoToTensorInfo(info, &tensor);
    }
    if (error == nullptr && tensor != nullptr) {
        error = api->GetTensorElementType(tensor, &type);
    }
    if (error == nullptr && tensor != nullptr) {
        error = api->GetDimensionsCount(tensor, &dimensions);
    }
    if (error == nullptr && tensor != nullptr && dimensions <= 8) {
        error = api->GetDimensions(tensor, shape, dimensions);
    }
    if (info != nullptr) {
        api->ReleaseTypeInfo(info);
    }
    const onb_status status = take_status(api, error, ONB_BUNDLE_MODEL, "a graph's tensor has no shape", detail);
    return status == ONB_OK ? check_shape(model, end, shape, dimensions, type, detail) : status;
}

onb_status check_end(Engine *engine, const Model &model, const End &end, onb_detail *detail) {
    const OrtApi *api = engine->api;
    OrtAllocator *allocator = &engine->allocator.base;
    size_t count = 0;
    char *name = nullptr;
    OrtStatus *error = end.count(model.session, &count);
    if (error == nullptr && count == 1) {
        error = end.name(model.session, 0, allocator, &name);
    }
    const onb_status status = take_status(api, error, ONB_BUNDLE_MODEL, "a graph cannot be read", detail);
    if (status != ONB_OK) {
        return status;
    }
    const Text found = count == 1 ? text("tensor '%s'", name) : text("%zu tensors", count);
    const bool same = count == 1 && strcmp(name, end.tensor->name) == 0;
    allocator->Free(allocator, name);
    if (!same) {
        return refuse(model, end, found, text("one tensor '%s'", end.tensor->name), detail);
    }
    return check_type(api, model, end, detail);
}

onb_status check_model(Engine *engine, const Model &model, onb_detail *detail) {
    const OrtApi *api = engine->api;
    const End ends[] = {
        {"input", &model.input, api->SessionGetInputCount, api->SessionGetInputName, api->SessionGetInputTypeInfo},
        {"output", &model.output, api->SessionGetOutputCount, api->SessionGetOutputName,
         api->SessionGetOutputTypeInfo},
    };
    onb_status status = ONB_OK;
    for (const End &end : ends) {
        status = status == ONB_OK ? check_end(engine, model, end, detail) : status;
    }
    return status;
}

OrtStatus *make_value(Engine *engine, const Tensor &tensor, OrtValue **value) {
    return engine->api->CreateTensorWithDataAsOrtValue(engine->allocator.info, tensor.data, tensor.bytes(),
                                                       tensor.shape, tensor.dimensions,
                                                       ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, value);
}

onb_status bind(Engine *engine, Model *model, onb_detail *detail) {
    const OrtApi *api = engine->api;
    OrtStatus *error = api->CreateIoBinding(model->session, &model->binding);
    if (error == nullptr) {
        error = make_value(engine, model->input, &model->input_value);
    }
    if (error == nullptr) {
        error = make_value(engine, model->output, &model->output_value);
    }
    if (error == nullptr) {
        error = api->BindInput(model->binding, model->input.name, model->input_value);
    }
    if (error == nullptr) {
        error = api->BindOutput(model->binding, model->output.name, model->output_value);
    }
    return take_status(api, error, ONB_ENGINE_FAILED, "the inference engine cannot bind a tensor", detail);
}

onb_status build_model(Engine *engine, Model *model, Bytes graph, onb_detail *detail) {
    OrtStatus *error = engine->api->CreateSessionFromArray(engine->env, graph.data, graph.size, engine->options,
                                                           &model->session);
    onb_status status =
        take_status(engine->api, error, ONB_BUNDLE_MODEL, "the inference engine refuses a graph", detail);
    if (status == ONB_OK) {
        status = check_model(engine, *model, detail);
    }
    return status == ONB_OK ? bind(engine, model, detail) : status;
}

} // namespace

size_t Tensor::bytes() const {
    size_t elements = sizeof(float);
    for (uint32_t i = 0; i < dimensions; ++i) {
        elements *= static_cast<size_t>(shape[i]);
    }
    return elements;
}

onb_status build_models(Engine *engine, const Tables &tables, onb_detail *detail) {
    onb_status status = build_model(engine, &engine->stem, tables.stem, detail);
    if (status == ONB_OK && tables.body.data != nullptr) { // else the core has its own
        status = build_model(engine, &engine->body, tables.body, detail);
    }
    const bool wanted = status == ONB_OK && engine->denoiser != nullptr;
    return wanted ? build_model(engine, engine->denoiser, tables.denoiser, detail) : status;
}

onb_status engine_run(Engine *engine, Model *model, onb_detail *detail) {
    OrtStatus *error = engine->api->RunWithBinding(model->session, nullptr, model->binding);
    return take_status(engine->api, error, ONB_ENGINE_FAILED, "the inference engine failed in a run", detail);
}

} // namespace onb
