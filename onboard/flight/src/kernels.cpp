#include "kernels.hpp"

namespace onb {

extern const Kernels kernels_baseline;

#ifdef ONB_X86_LEVELS
extern const Kernels kernels_v3;
extern const Kernels kernels_v4;

const Kernels &kernels() {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512cd");
    if (v4) {
        return kernels_v4;
    }
    return v3 ? kernels_v3 : kernels_baseline;
}
#else
const Kernels &kernels() { return kernels_baseline; }
#endif

} // namespace onb
