#include "int8_kernels.hpp"

namespace onb {

#ifdef ONB_X86_LEVELS
const Int8Kernels &int8_kernels() {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512cd");
    if (v4 && __builtin_cpu_supports("avx512vnni")) {
        return int8_vnni;
    }
    return v3 ? int8_v3 : int8_baseline;
}
#else
const Int8Kernels &int8_kernels() { return int8_baseline; }
#endif

} // namespace onb
