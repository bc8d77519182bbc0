#include "engine_internal.hpp"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <initializer_list>

namespace onb {

namespace {

constexpr uint32_t api_version = 21;
constexpr const char *default_library = "libonnxruntime.so.1";

// The environment's list of allocators is shared by the whole process: one session uses it at a time.
pthread_mutex_t environment_mutex = PTHREAD_MUTEX_INITIALIZER;

EngineAllocator *ours(OrtAllocator *allocator) { return reinterpret_cast<EngineAllocator *>(allocator); }

void *ORT_API_CALL engine_take(OrtAllocator *allocator, size_t size) { return ours(allocator)->heap.take(size); }

void ORT_API_CALL engine_give(OrtAllocator *allocator, void *payload) { ours(allocator)->heap.give(payload); }

const OrtMemoryInfo *ORT_API_CALL engine_info(const OrtAllocator *allocator) {
    return reinterpret_cast<const EngineAllocator *>(allocator)->info;
}

void ORT_API_CALL swallow_log(void *, OrtLoggingLevel, const char *, const char *, const char *, const char *) {}

const char *library_name(const onb_config &config) {
    if (config.engine_library != nullptr) {
        return config.engine_library;
    }
    const char *from_environment = getenv("ONNXRUNTIME_LIBRARY");
    return from_environment != nullptr && from_environment[0] != '\0' ? from_environment : default_library;
}

onb_status load_api(Engine *engine, const char *name, onb_detail *detail) {
    // Never unloaded: the engine keeps threads and thread-local data that outlive a session.
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
        return fail(detail, ONB_ENGINE_MISSING, "the inference engine's library cannot be loaded",
                    "engine_library", text("%s", dlerror()),
                    text("ONNX Runtime's shared library, at %s", name));
    }
    typedef const OrtApiBase *(ORT_API_CALL * GetApiBase)();
    GetApiBase get_base = nullptr;
    void *symbol = dlsym(library, "OrtGetApiBase");
    memcpy(&get_base, &symbol, sizeof symbol);
    engine->api = get_base == nullptr ? nullptr : get_base()->GetApi(api_version);
    if (engine->api == nullptr) {
        return fail(detail, ONB_ENGINE_MISSING, "the inference engine is too old, or something else",
                    "engine_library", text("%s", get_base == nullptr ? name : get_base()->GetVersionString()),
                    text("ONNX Runtime 1.%u or newer", api_version));
    }
    return ONB_OK;
}

onb_status set_options(Engine *engine, const onb_config &config, onb_detail *detail) {
    const OrtApi *api = engine->api;
    OrtStatus *error = api->CreateSessionOptions(&engine->options);
    if (error == nullptr) {
        error = api->SetIntraOpNumThreads(engine->options, static_cast<int>(config.threads));
    }
    if (error == nullptr) {
        error = api->SetInterOpNumThreads(engine->options, 1);
    }
    if (error == nullptr) {
        error = api->SetSessionGraphOptimizationLevel(engine->options, ORT_ENABLE_ALL);
    }
    if (error == nullptr) {
        error = api->DisableCpuMemArena(engine->options);
    }
    if (error == nullptr) {
        error = api->AddSessionConfigEntry(engine->options, "session.intra_op.allow_spinning",
                                           config.allow_spinning != 0 ? "1" : "0");
    }
    if (error == nullptr) {
        error = api->AddSessionConfigEntry(engine->options, "session.use_env_allocators", "1");
    }
    return take_status(api, error, ONB_ENGINE_FAILED, "the inference engine refused an option", detail);
}

} // namespace

onb_status take_status(const OrtApi *api, OrtStatus *error, onb_status status, const char *what,
                       onb_detail *detail) {
    if (error == nullptr) {
        return ONB_OK;
    }
    (void)fail(detail, status, what, "engine", text("%s", api->GetErrorMessage(error)));
    api->ReleaseStatus(error);
    return status;
}

onb_status engine_start(Engine *engine, const onb_config &config, void *block, size_t block_size,
                        onb_detail *detail) {
    onb_status status = load_api(engine, library_name(config), detail);
    if (status != ONB_OK) {
        return status;
    }
    EngineAllocator &allocator = engine->allocator;
    allocator.heap.init(block, block_size);
    allocator.base = OrtAllocator{};
    allocator.base.version = api_version;
    allocator.base.Alloc = engine_take;
    allocator.base.Reserve = engine_take;
    allocator.base.Free = engine_give;
    allocator.base.Info = engine_info;
    const OrtApi *api = engine->api;
    OrtStatus *error = api->CreateEnvWithCustomLogger(swallow_log, nullptr, ORT_LOGGING_LEVEL_FATAL, "onboard",
                                                      &engine->env);
    if (error == nullptr) {
        error = api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &allocator.info);
    }
    status = take_status(api, error, ONB_ENGINE_FAILED, "the inference engine cannot start", detail);
    return status == ONB_OK ? set_options(engine, config, detail) : status;
}

onb_status engine_build(Engine *engine, const Tables &tables, onb_detail *detail) {
    const OrtApi *api = engine->api;
    (void)pthread_mutex_lock(&environment_mutex);
    OrtStatus *refused = api->RegisterAllocator(engine->env, &engine->allocator.base);
    // An engine that will not take an allocator keeps its own heap; health says so.
    engine->in_block = refused == nullptr;
    if (refused != nullptr) {
        api->ReleaseStatus(refused);
    }
    const onb_status status = build_models(engine, tables, detail);
    if (engine->in_block) {
        // The sessions hold on to the allocator; the next session registers its own.
        OrtStatus *error = api->UnregisterAllocator(engine->env, engine->allocator.info);
        if (error != nullptr) {
            api->ReleaseStatus(error);
        }
    }
    (void)pthread_mutex_unlock(&environment_mutex);
    return status;
}

void engine_stop(Engine *engine) {
    const OrtApi *api = engine->api;
    if (api == nullptr) {
        return;
    }
    for (Model *model : {&engine->stem, &engine->body, engine->denoiser}) {
        if (model == nullptr) {
            continue;
        }
        if (model->binding != nullptr) {
            api->ReleaseIoBinding(model->binding);
        }
        for (OrtValue *value : {model->input_value, model->output_value}) {
            if (value != nullptr) {
                api->ReleaseValue(value);
            }
        }
        if (model->session != nullptr) {
            api->ReleaseSession(model->session);
        }
    }
    if (engine->options != nullptr) {
        api->ReleaseSessionOptions(engine->options);
    }
    if (engine->allocator.info != nullptr) {
        api->ReleaseMemoryInfo(engine->allocator.info);
    }
    if (engine->env != nullptr) {
        api->ReleaseEnv(engine->env);
    }
    engine->api = nullptr;
}

} // namespace onb
