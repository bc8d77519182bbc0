#include "denoiser_plan.hpp"

#include "checked.hpp"

namespace onb {

namespace {

constexpr size_t part_size = 64;
constexpr const char *plan_part = "denoiser.bin";
constexpr const char *graph_part = "denoiser.onnx";

onb_status refuse(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_BUNDLE_PLAN, "the denoiser's plan holds a value that cannot be flown", field, found,
                expected);
}

onb_status check_values(const uint8_t *part, uint32_t body_lines, onb_detail *detail) {
    const uint32_t lines = read_u32(part + 8);
    const uint32_t samples = read_u32(part + 12);
    const uint64_t bytes = read_u64(part + 16);
    if (lines != body_lines) {
        return refuse(detail, "denoiser.bin: lines", text("%u", lines), text("body_lines = %u", body_lines));
    }
    if (samples < 1 || samples > 65536) {
        return refuse(detail, "denoiser.bin: samples", text("%u", samples), text("1 to 65536"));
    }
    if (bytes > (UINT64_C(1) << 40)) {
        return refuse(detail, "denoiser.bin: inference_bytes", text("%llu", static_cast<unsigned long long>(bytes)),
                      text("at most 2^40"));
    }
    for (size_t i = 24; i < part_size; ++i) {
        if (part[i] != 0) {
            return refuse(detail, "denoiser.bin: reserved", text("%u at byte %zu", part[i], i), text("0"));
        }
    }
    return ONB_OK;
}

} // namespace

onb_status read_denoiser(const Container &container, uint32_t body_lines, DenoiserPlan *denoiser, Bytes *graph,
                         onb_detail *detail) {
    *denoiser = DenoiserPlan{};
    *graph = container.find(graph_part);
    const Bytes part = container.find(plan_part);
    if (part.data == nullptr && graph->data == nullptr) {
        return ONB_OK;
    }
    if (part.data == nullptr || graph->data == nullptr) {
        return fail(detail, ONB_BUNDLE_MALFORMED, "a part is missing", part.data == nullptr ? plan_part : graph_part,
                    text("nothing"), text("denoiser.onnx and denoiser.bin, or neither"));
    }
    if (part.size != part_size || read_u32(part.data) != part_size) {
        return refuse(detail, "denoiser.bin: struct_size", text("%zu bytes", part.size),
                      text("%zu bytes", part_size));
    }
    if (read_u32(part.data + 4) != 1) {
        return fail(detail, ONB_BUNDLE_VERSION, "unknown version of the denoiser's plan", "denoiser.bin: version",
                    text("%u", read_u32(part.data + 4)), text("1"));
    }
    const onb_status status = check_values(part.data, body_lines, detail);
    if (status == ONB_OK) {
        denoiser->samples = read_u32(part.data + 12);
        denoiser->inference_bytes = read_u64(part.data + 16);
    }
    return status;
}

} // namespace onb
