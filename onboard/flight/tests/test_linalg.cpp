#include "linalg.hpp"
#include "check.hpp"

using namespace onb;

int main() {
    Random random(5);
    constexpr size_t n = 40;
    constexpr size_t pitch = 48;
    static double root[n][n];
    static double a[n * pitch];
    static double copy[n * pitch];
    double b[n];
    double x[n];
    for (auto &row : root) {
        for (double &value : row) {
            value = random.uniform(-1.0, 1.0);
        }
    }
    for (size_t i = 0; i < n; ++i) {
        b[i] = random.uniform(-1.0, 1.0);
        for (size_t j = 0; j < n; ++j) {
            double sum = i == j ? 0.1 : 0.0;
            for (size_t k = 0; k < n; ++k) {
                sum += root[i][k] * root[j][k];
            }
            copy[i * pitch + j] = sum;
            a[i * pitch + j] = i <= j ? sum : 1e30; // the lower triangle must not be read
        }
        x[i] = b[i];
    }
    CHECK(solve_spd(a, n, pitch, x));
    for (size_t i = 0; i < n; ++i) {
        double sum = 0.0;
        for (size_t j = 0; j < n; ++j) {
            sum += copy[i * pitch + j] * x[j];
        }
        CHECK(std::fabs(sum - b[i]) < 1e-9);
    }
    double indefinite[] = {1.0, 2.0, 2.0, 1.0};
    double right[] = {1.0, 1.0};
    CHECK(!solve_spd(indefinite, 2, 2, right));
    double not_a_number[] = {static_cast<double>(NAN)};
    CHECK(!solve_spd(not_a_number, 1, 1, right));
    return failures;
}
