#include "kernels.hpp"

#include "cpu_level.hpp"

namespace onb {

extern const Kernels kernels_baseline;

#ifdef ONB_X86_LEVELS
extern const Kernels kernels_v3;
extern const Kernels kernels_v4;

const Kernels &kernels() {
    switch (cpu_level()) {
    case CpuLevel::v4: return kernels_v4;
    case CpuLevel::v3: return kernels_v3;
    default: return kernels_baseline;
    }
}
#elif defined(ONB_ARM_LEVELS)
extern const Kernels kernels_neon;

const Kernels &kernels() { return cpu_level() == CpuLevel::baseline ? kernels_baseline : kernels_neon; }
#else
const Kernels &kernels() { return kernels_baseline; }
#endif

} // namespace onb
