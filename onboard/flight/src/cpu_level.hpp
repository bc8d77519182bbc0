// What this processor's vectors can do: x86-64's levels by their names, ARM's by what they add.
#pragma once

#ifdef ONB_ARM_LEVELS
#include <sys/auxv.h>
#endif

namespace onb {

enum class CpuLevel { baseline, v3, v4, neon, dotprod };

#ifdef ONB_ARM_LEVELS
// Linux's bits of AT_HWCAP on 64-bit ARM (its asm/hwcap.h, which old C libraries lack the second of).
constexpr unsigned long hwcap_neon = 1UL << 1;
constexpr unsigned long hwcap_dotprod = 1UL << 20;
#endif

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
#elif defined(ONB_ARM_LEVELS)
    const unsigned long bits = getauxval(AT_HWCAP);
    if ((bits & hwcap_neon) == 0) {
        return CpuLevel::baseline;
    }
    return (bits & hwcap_dotprod) != 0 ? CpuLevel::dotprod : CpuLevel::neon;
#else
    return CpuLevel::baseline;
#endif
}

} // namespace onb
