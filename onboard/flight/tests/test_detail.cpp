#include "detail.hpp"
#include "check.hpp"

#include <cstring>

using namespace onb;

int main() {
    CHECK(fail(nullptr, ONB_STATE, "x") == ONB_STATE);
    onb_detail detail;
    memset(&detail, 0x55, sizeof detail);
    CHECK(!detail_begin(&detail));
    detail.struct_size = sizeof detail;
    CHECK(detail_begin(&detail) && detail.problem[0] == '\0');
    CHECK(detail_begin(nullptr));
    CHECK(fail(&detail, ONB_BUNDLE_PLAN, "a problem", "a field", text("%d", 5), text("%s", "six")) ==
          ONB_BUNDLE_PLAN);
    CHECK(detail.status == ONB_BUNDLE_PLAN);
    CHECK(strcmp(detail.problem, "a problem") == 0 && strcmp(detail.field, "a field") == 0);
    CHECK(strcmp(detail.found, "5") == 0 && strcmp(detail.expected, "six") == 0);
    char longer[1000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)fail(&detail, ONB_STATE, longer, longer, text("%s", longer), text("%s", longer));
    CHECK(strlen(detail.problem) == sizeof detail.problem - 1);
    CHECK(strlen(detail.found) == sizeof detail.found - 1);
    const uint8_t bytes[] = {0x00, 0x9f, 0xff};
    CHECK(strcmp(hex(bytes, 3).chars, "009fff") == 0);
    return failures;
}
