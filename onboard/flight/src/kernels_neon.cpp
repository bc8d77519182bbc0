#define ONB_KERNELS kernels_neon
#define ONB_KERNELS_NAME "neon"
#define ONB_LANES 4
#define ONB_NEON
#include "kernels_impl.hpp"
