#include "class_plan.hpp"

namespace onb {

namespace {

constexpr size_t head_size = 8;
constexpr int32_t least_centre = -4096; // log radiance of -4
constexpr int32_t most_centre = 3072;   // and of 3

onb_status refuse(onb_detail *detail, const char *field, const Text &found, const Text &expected) {
    return fail(detail, ONB_BUNDLE_PLAN, "the classes of ground hold a value that cannot be flown", field, found,
                expected);
}

// The two counts, and that the part is exactly as long as they make it.
onb_status check_size(Bytes part, ClassPlan *plan, onb_detail *detail) {
    if (part.size < head_size) {
        return refuse(detail, "classes.bin: length", text("%zu bytes", part.size),
                      text("at least %zu bytes", head_size));
    }
    const uint32_t classes = read_u32(part.data);
    const uint32_t bands = read_u32(part.data + 4);
    if (classes < 1 || classes > max_classes) {
        return refuse(detail, "classes.bin: classes", text("%u", classes), text("1 to %u", max_classes));
    }
    if (bands < 1 || bands > max_class_bands) {
        return refuse(detail, "classes.bin: bands", text("%u", bands), text("1 to %u", max_class_bands));
    }
    const size_t used = head_size + 4 * static_cast<size_t>(bands) + 2 * static_cast<size_t>(classes) * bands;
    const size_t size = (used + 3) / 4 * 4;
    if (part.size != size) {
        return refuse(detail, "classes.bin: length", text("%zu bytes", part.size),
                      text("%zu bytes, by its classes and bands", size));
    }
    for (size_t i = used; i < size; ++i) {
        if (part.data[i] != 0) {
            return refuse(detail, "classes.bin: padding", text("%u at byte %zu", part.data[i], i), text("0"));
        }
    }
    const uint8_t *index = part.data + head_size;
    *plan = {classes, bands, index, index + 4 * static_cast<size_t>(bands)};
    return ONB_OK;
}

onb_status check_bands(const ClassPlan &plan, uint32_t plan_bands, onb_detail *detail) {
    for (uint32_t b = 0; b < plan.bands; ++b) {
        const uint32_t band = read_u32(plan.band_index + 4 * static_cast<size_t>(b));
        bool twice = false;
        for (uint32_t other = 0; other < b; ++other) {
            twice = twice || read_u32(plan.band_index + 4 * static_cast<size_t>(other)) == band;
        }
        if (twice || band >= plan_bands) {
            return refuse(detail, "classes.bin: band_index", text("%u at index %u", band, b),
                          text("band numbers below %u, no two alike", plan_bands));
        }
    }
    return ONB_OK;
}

onb_status check_centres(const ClassPlan &plan, onb_detail *detail) {
    const size_t count = static_cast<size_t>(plan.classes) * plan.bands;
    for (size_t i = 0; i < count; ++i) {
        const int32_t centre = read_i16(plan.centres + 2 * i);
        if (centre < least_centre || centre > most_centre) {
            return refuse(detail, "classes.bin: centres", text("%d at index %zu", centre, i),
                          text("%d to %d", least_centre, most_centre));
        }
    }
    return ONB_OK;
}

} // namespace

int16_t read_i16(const uint8_t *bytes) {
    return static_cast<int16_t>(static_cast<uint16_t>(bytes[0] | static_cast<uint32_t>(bytes[1]) << 8));
}

onb_status read_classes(const Container &container, uint32_t plan_bands, ClassPlan *plan, onb_detail *detail) {
    *plan = ClassPlan{};
    const Bytes part = container.find("classes.bin");
    if (part.data == nullptr) {
        return ONB_OK;
    }
    ClassPlan read{};
    onb_status status = check_size(part, &read, detail);
    if (status == ONB_OK) {
        status = check_bands(read, plan_bands, detail);
    }
    if (status == ONB_OK) {
        status = check_centres(read, detail);
    }
    if (status == ONB_OK) {
        *plan = read;
    }
    return status;
}

} // namespace onb
