#include "int8_kernels.hpp"

#include "cpu_level.hpp"

namespace onb {

#ifdef ONB_X86_LEVELS
const Int8Kernels &int8_kernels() {
    const CpuLevel level = cpu_level();
    if (level == CpuLevel::v4 && __builtin_cpu_supports("avx512vnni")) {
        return int8_vnni;
    }
    return level == CpuLevel::baseline ? int8_baseline : int8_v3;
}
#elif defined(ONB_ARM_LEVELS)
const Int8Kernels &int8_kernels() {
    switch (cpu_level()) {
    case CpuLevel::dotprod: return int8_dotprod;
    case CpuLevel::neon: return int8_neon;
    default: return int8_baseline;
    }
}
#else
const Int8Kernels &int8_kernels() { return int8_baseline; }
#endif

} // namespace onb
