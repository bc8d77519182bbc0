/* Opens a bundle, pushes raw lines and prints each plume event as one line.
 *
 *     push_lines BUNDLE KEY SAMPLES [LINES.f32]
 *
 * KEY holds 64 hexadecimal digits (the signer's Ed25519 public key) beside '#' comments. Lines are
 * float32 radiance, pixel-interleaved, native byte order, from the file or from standard input.
 * Exit code: 0 done, 1 wrong use, 2 refused or failed.
 */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */

#include <onboard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_LINES = 16 };

/* Reads a whole file; the caller frees it. */
static unsigned char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long length = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0) {
        rewind(file);
        bytes = malloc((size_t)length);
    }
    *size = bytes == NULL ? 0 : fread(bytes, 1, (size_t)length, file);
    if (file != NULL) {
        fclose(file);
    }
    if (bytes == NULL || *size != (size_t)length) {
        fprintf(stderr, "push_lines: cannot read %s\n", path);
        free(bytes);
        return NULL;
    }
    return bytes;
}

static int read_key(const char *path, uint8_t key[ONB_KEY_BYTES]) {
    char line[512];
    int found = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        unsigned value = 0;
        int i = 0;
        while (line[0] != '#' && i < (int)ONB_KEY_BYTES && sscanf(line + 2 * i, "%2x", &value) == 1) {
            key[i++] = (uint8_t)value;
        }
        found = i == (int)ONB_KEY_BYTES;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static void drain(onb_session *session) {
    onb_products products = {.struct_size = sizeof products};
    onb_event event = {.struct_size = sizeof event};
    while (onb_read_lines(session, UINT32_MAX, &products) == ONB_OK) {
        /* a flight computer would pack the product lines here */
    }
    while (onb_poll_event(session, &event) == ONB_OK) {
        printf("plume %u lines %u-%u samples %u-%u pixels %u peak %.0f ppm m ime %.3f kg confidence %.3f\n",
               event.event_id, event.first_line, event.last_line, event.first_sample, event.last_sample,
               event.area_pixels, (double)event.peak_enhancement, event.ime_kg, (double)event.confidence);
    }
}

/* Pushes a block, making room whenever the session asks for it. */
static onb_status push(onb_session *session, const float *radiance, uint32_t count, size_t line_values) {
    onb_lines lines = {.struct_size = sizeof lines, .line_count = count, .radiance = radiance};
    onb_status status = ONB_OK;
    while (lines.line_count > 0 && (status == ONB_OK || status == ONB_AGAIN)) {
        uint32_t consumed = 0;
        status = onb_push_lines(session, &lines, &consumed);
        lines.radiance += consumed * line_values;
        lines.line_count -= consumed;
        drain(session);
    }
    return status == ONB_AGAIN ? ONB_OK : status;
}

static onb_status push_stream(onb_session *session, FILE *input, size_t line_values, int *whole) {
    const size_t line_bytes = line_values * sizeof(float), full = BLOCK_LINES * line_bytes;
    float *block = malloc(full);
    onb_status status = block == NULL ? ONB_MEMORY_TOO_SMALL : ONB_OK;
    for (size_t bytes = full; status == ONB_OK && bytes == full;) {
        bytes = fread(block, 1, full, input);
        *whole = !ferror(input) && bytes % line_bytes == 0;
        status = push(session, block, (uint32_t)(bytes / line_bytes), line_values);
    }
    while (status == ONB_OK && (status = onb_flush(session)) == ONB_AGAIN) {
        drain(session);
        status = ONB_OK;
    }
    drain(session);
    free(block);
    return status;
}

int main(int argc, char **argv) {
    uint8_t key[ONB_KEY_BYTES];
    int whole = 1;
    onb_config config;
    onb_detail detail = {.struct_size = sizeof detail};
    onb_bundle_description info = {.struct_size = sizeof info};
    onb_session *session = NULL;
    size_t bundle_size = 0, bytes = 0;
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: push_lines BUNDLE KEY SAMPLES [LINES.f32]\n");
        return 1;
    }
    unsigned char *bundle = read_file(argv[1], &bundle_size);
    FILE *input = argc == 5 ? fopen(argv[4], "rb") : stdin;
    if (bundle == NULL || input == NULL || !read_key(argv[2], key)) {
        fprintf(stderr, "push_lines: bundle, key or lines cannot be read\n");
        return 2;
    }
    onb_config_default(&config, sizeof config);
    config.samples = (uint32_t)strtoul(argv[3], NULL, 10);
    config.trusted_keys = key;
    config.trusted_key_count = 1;
    onb_status status = onb_bundle_info(bundle, bundle_size, &info, &detail);
    config.products = info.products;
    if (status == ONB_OK) {
        status = onb_memory_required(bundle, bundle_size, &config, &bytes, &detail);
    }
    void *memory = NULL;
    if (status == ONB_OK) {
        status = posix_memalign(&memory, ONB_ALIGNMENT, bytes) != 0
                     ? ONB_MEMORY_TOO_SMALL
                     : onb_open(bundle, bundle_size, &config, memory, bytes, &session, &detail);
    }
    free(bundle);
    if (session != NULL) {
        status = push_stream(session, input, (size_t)config.samples * info.bands, &whole);
        onb_last_detail(session, &detail);
    }
    if (!whole) {
        fprintf(stderr, "push_lines: the lines cannot be read, or do not end with a line\n");
    }
    if (status != ONB_OK) {
        fprintf(stderr, "push_lines: %s: %s; field: %s; found: %s; expected: %s\n", onb_status_text(status),
                detail.problem, detail.field, detail.found, detail.expected);
    }
    onb_close(session);
    free(memory);
    return status == ONB_OK && whole ? 0 : 2;
}
