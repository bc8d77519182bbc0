// The little linear algebra that the filter needs, in double precision.
#pragma once

#include <cstddef>

namespace onb {

// Solves a x = b for a symmetric positive definite a [n][pitch], of which only the upper triangle is
// read; a is overwritten by its factor, b by x. False if a is not positive definite.
bool solve_spd(double *a, size_t n, size_t pitch, double *b);

} // namespace onb
