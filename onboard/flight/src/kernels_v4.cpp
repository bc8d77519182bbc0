#define ONB_KERNELS kernels_v4
#define ONB_KERNELS_NAME "v4"
#define ONB_LANES 16
#include "kernels_impl.hpp"
