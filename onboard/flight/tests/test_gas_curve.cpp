#include "gas_curve.hpp"
#include "check.hpp"

using namespace onb;

int main() {
    double alphas[] = {0.0, 100.0, 200.0, 400.0};
    double target[] = {-1e-4};
    double none[] = {0.0};
    double rising[] = {0.0, -0.01, -0.015, -0.02};
    const double weights[] = {-1e4}; // w . target = 1
    GasTables gas = {4, 1, alphas, rising, target, none, none};
    Response response = make_response(gas, weights);
    CHECK(response.points == 4);
    for (int i = 0; i < 4; ++i) {
        CHECK(std::fabs(response.enhancement(response.linear[i]) - alphas[i]) < 1e-9);
    }
    CHECK(std::fabs(response.enhancement(-50.0) + 50.0) < 1e-9);
    CHECK(std::fabs(response.enhancement(125.0) - 150.0) < 1e-9);
    CHECK(std::fabs(response.enhancement(250.0) - 600.0) < 1e-9); // the last slope goes on
    double turning[] = {0.0, -0.01, -0.015, -0.012};
    gas.lines = turning;
    response = make_response(gas, weights);
    CHECK(response.points == 3);
    CHECK(std::fabs(response.enhancement(200.0) - 300.0) < 1e-9);
    return failures;
}
