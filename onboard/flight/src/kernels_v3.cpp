#define ONB_KERNELS kernels_v3
#define ONB_KERNELS_NAME "v3"
#define ONB_LANES 8
#include "kernels_impl.hpp"
