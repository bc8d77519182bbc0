// What this processor's vectors can do, as x86-64's levels name it.
#pragma once

namespace onb {

enum class CpuLevel { baseline, v3, v4 };

inline CpuLevel cpu_level() {
#ifdef ONB_X86_LEVELS
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512cd");
    if (v4) {
        return CpuLevel::v4;
    }
    return v3 ? CpuLevel::v3 : CpuLevel::baseline;
#else
    return CpuLevel::baseline;
#endif
}

} // namespace onb
