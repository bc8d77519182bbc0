#define ONB_KERNELS kernels_baseline
#define ONB_KERNELS_NAME "baseline"
#define ONB_LANES 4
#include "kernels_impl.hpp"
