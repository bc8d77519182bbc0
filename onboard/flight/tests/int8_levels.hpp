// Kernels of the quantized body that this build has, and those that this machine can run.
#pragma once

#include "int8_kernels.hpp"

inline const onb::Int8Kernels *const all_kernels[] = {
    &onb::int8_baseline,
#ifdef ONB_X86_LEVELS
    &onb::int8_v3,
    &onb::int8_vnni,
#endif
#ifdef ONB_ARM_LEVELS
    &onb::int8_neon,
    &onb::int8_dotprod,
#endif
};

// Kernels up to the best that this machine has, in the order above.
inline size_t kernel_count() {
    size_t count = 1;
    while (all_kernels[count - 1] != &onb::int8_kernels()) {
        ++count;
    }
    return count;
}
