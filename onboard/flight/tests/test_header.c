/* The header compiles as C99 and its calls refuse nothing at all politely. */
#include <onboard.h>

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void check(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "failed: %s\n", what);
        ++failures;
    }
}

int main(void) {
    onb_config config;
    onb_detail detail = {.struct_size = sizeof detail};
    uint8_t nothing[8] = {0};
    size_t bytes = 1;
    check(onb_abi_version() == ONB_ABI_VERSION, "abi version");
    check(strlen(onb_version()) > 0, "version");
    check(onb_config_default(&config, sizeof config) == ONB_OK, "default configuration");
    check(config.struct_size == sizeof config && config.threads == 2, "its values");
    config.samples = 5;
    check(onb_memory_required(nothing, sizeof nothing, &config, &bytes, &detail) == ONB_BUNDLE_MALFORMED,
          "a bundle of zeros");
    check(strcmp(detail.field, "header: magic") == 0, "its field");
    check(onb_bundle_verify(nothing, 0, &config, &detail) == ONB_BUNDLE_MALFORMED, "an empty bundle");
    check(onb_flush(NULL) == ONB_INVALID_ARGUMENT, "no session");
    check(onb_close(NULL) == ONB_OK, "closing nothing");
    check(strcmp(onb_status_text(ONB_OK), "ok") == 0, "a text");
    return failures;
}
