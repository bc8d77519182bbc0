#include "checked.hpp"
#include "check.hpp"

using namespace onb;

int main() {
    uint64_t value = 0;
    CHECK(checked_add(1, 2, &value) && value == 3);
    CHECK(!checked_add(UINT64_MAX, 1, &value));
    CHECK(checked_multiply(UINT64_C(1) << 31, UINT64_C(1) << 32, &value) && value == UINT64_C(1) << 63);
    CHECK(!checked_multiply(UINT64_C(1) << 32, UINT64_C(1) << 32, &value));
    CHECK(range_fits(0, 10, 10));
    CHECK(range_fits(10, 0, 10));
    CHECK(!range_fits(11, 0, 10));
    CHECK(!range_fits(1, 10, 10));
    CHECK(!range_fits(5, UINT64_MAX, 10));
    CHECK(!range_fits(UINT64_MAX, 2, 10));
    CHECK(align64(0) == 0 && align64(1) == 64 && align64(64) == 64 && align64(65) == 128);
    return failures;
}
