#include "linalg.hpp"

#include <cmath>

namespace onb {

namespace {

// Factors a = u^T u, row by row of the upper triangle.
bool factor(double *a, size_t n, size_t pitch) {
    for (size_t i = 0; i < n; ++i) {
        double *row = a + i * pitch;
        if (!(row[i] > 0.0)) {
            return false;
        }
        const double inverse = 1.0 / std::sqrt(row[i]);
        for (size_t j = i; j < n; ++j) {
            row[j] *= inverse;
        }
        for (size_t k = i + 1; k < n; ++k) {
            double *below = a + k * pitch;
            const double scale = row[k];
            for (size_t j = k; j < n; ++j) {
                below[j] -= scale * row[j];
            }
        }
    }
    return true;
}

} // namespace

bool solve_spd(double *a, size_t n, size_t pitch, double *b) {
    if (!factor(a, n, pitch)) {
        return false;
    }
    for (size_t i = 0; i < n; ++i) {
        const double *row = a + i * pitch;
        b[i] /= row[i];
        for (size_t j = i + 1; j < n; ++j) {
            b[j] -= row[j] * b[i];
        }
    }
    for (size_t i = n; i-- > 0;) {
        const double *row = a + i * pitch;
        for (size_t j = i + 1; j < n; ++j) {
            b[i] -= row[j] * b[j];
        }
        b[i] /= row[i];
    }
    return true;
}

} // namespace onb
