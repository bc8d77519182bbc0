#include "denoise.hpp"
#include "check.hpp"
#include "made_session.hpp"

using namespace onb;

namespace {

// small_plan: 5 filter bands, strips of 4 lines, halo 2, window 8 x 8, a ring of 12 lines.
constexpr uint32_t strip = 4;
constexpr size_t rows = 8;
constexpr size_t width = 8;

int16_t made_count(uint64_t line, size_t sample, size_t k) {
    return static_cast<int16_t>(100 * static_cast<int>(line) + 10 * static_cast<int>(sample) + static_cast<int>(k));
}

// Takes lines in as ingest does; `bad` flags some of their pixels.
void push(Session *s, uint64_t lines, bool (*bad)(uint64_t line, size_t sample)) {
    uint8_t quality[16];
    for (; s->arrived < lines; ++s->arrived) {
        for (size_t c = 0; c < s->samples; ++c) {
            quality[c] = bad(s->arrived, c) ? ONB_QUALITY_CLOUDY : ONB_QUALITY_SATURATED;
            for (size_t k = 0; k < 5; ++k) {
                s->counts_of(s->arrived)[c * s->filter_pitch + k] = made_count(s->arrived, c, k);
            }
        }
        keep_quality(s, quality);
    }
}

void queue(Session *s, uint32_t first_line, uint32_t lines) {
    s->products.first_line = first_line;
    s->products.lines = lines;
}

bool none(uint64_t, size_t) { return false; }
bool some(uint64_t line, size_t sample) { return sample == 3 || (sample == 1 && line < 5) || (line == 6 && sample < 3); }
bool all(uint64_t, size_t) { return true; }

float value(const Session &s, size_t k, size_t row, size_t column) {
    return s.denoising->input[(k * rows + row) * width + column];
}
float wanted(uint64_t line, size_t sample, size_t k) { return static_cast<float>(made_count(line, sample, k)) / 4096.0f; }

void test_nothing_is_laid_out_unless_asked_for() {
    const MadeSession without(8);
    const MadeSession with(8, 1);
    CHECK(without.s->denoising == nullptr && without.s->engine.denoiser == nullptr);
    CHECK(with.s->engine.denoiser == &with.s->denoising->model);
    CHECK(with.bytes > without.bytes);
    CHECK(without.s->ring_lines() == 6 && with.s->ring_lines() == 12);
}

void test_a_window_is_the_strip_and_its_halo() {
    const MadeSession made(8, 1);
    Session *s = made.s;
    push(s, 14, none); // the ring has wrapped; line 14 would overwrite what the strip needs
    queue(s, strip, strip);
    fill_denoiser_input(s, {0, 0, 8});
    for (size_t row = 0; row < rows; ++row) {
        for (size_t c = 0; c < width; ++c) {
            CHECK(value(*s, 0, row, c) == wanted(row + 2, c, 0) && value(*s, 4, row, c) == wanted(row + 2, c, 4));
            CHECK(value(*s, 5, row, c) == 1.0f);
        }
    }
}

void test_before_the_first_line_and_after_the_last() {
    const MadeSession made(8, 1);
    Session *s = made.s;
    push(s, 3, none);
    queue(s, 0, 3);
    fill_denoiser_input(s, {0, 0, 8});
    const uint64_t shown[rows] = {0, 0, 0, 1, 2, 2, 2, 2};
    for (size_t row = 0; row < rows; ++row) {
        CHECK(value(*s, 2, row, 5) == wanted(shown[row], 5, 2));
        CHECK(value(*s, 5, row, 5) == (row >= 2 && row < 5 ? 1.0f : 0.0f));
    }
}

void test_invalid_pixels_borrow() {
    const MadeSession made(6, 1); // two columns of the window lie beyond the swath
    Session *s = made.s;
    push(s, 10, some);
    queue(s, strip, strip);
    fill_denoiser_input(s, {0, 0, 6});
    CHECK(value(*s, 1, 0, 1) == wanted(5, 1, 1)); // nothing valid before: the next one
    CHECK(value(*s, 1, 4, 1) == wanted(5, 1, 1) && value(*s, 5, 4, 1) == 0.0f);
    CHECK(value(*s, 1, 4, 2) == wanted(5, 2, 1) && value(*s, 1, 5, 2) == wanted(7, 2, 1));
    CHECK(value(*s, 1, 3, 3) == wanted(5, 2, 1) && value(*s, 5, 3, 3) == 0.0f); // the left neighbour's
    CHECK(value(*s, 1, 7, 6) == wanted(9, 5, 1) && value(*s, 1, 7, 7) == wanted(9, 5, 1));
    CHECK(value(*s, 5, 7, 5) == 1.0f && value(*s, 5, 7, 6) == 0.0f);
}

void test_a_window_without_a_valid_pixel_is_level() {
    const MadeSession made(8, 1);
    Session *s = made.s;
    push(s, 10, all);
    queue(s, strip, strip);
    fill_denoiser_input(s, {0, 0, 8});
    for (size_t i = 0; i < 6 * rows * width; ++i) {
        CHECK(s->denoising->input[i] == 0.0f);
    }
}

void test_panels_join_and_flags_stay() {
    const MadeSession made(10, 1);
    Session *s = made.s;
    push(s, 10, none);
    queue(s, strip, strip);
    memset(const_cast<uint8_t *>(s->constants.begin), 0, s->constants.size);
    for (uint32_t k = 0; k < 5; ++k) {
        s->constants.filter_bands[k] = 2 * k;
        s->constants.inverse_reference[2 * k] = 1.0f / static_cast<float>(1u << k);
    }
    const uint8_t flags[] = {0, ONB_QUALITY_CLOUDY, ONB_QUALITY_MISSING_FRAME, ONB_QUALITY_CORRUPT,
                             ONB_QUALITY_NON_FINITE, ONB_QUALITY_IMMATURE | ONB_QUALITY_REPAIRED};
    memset(s->products.quality, 0, strip * 10);
    memcpy(s->products.quality + 10, flags, sizeof flags);
    const Panels panels = {10, 8, 4};
    CHECK(panels.count() == 2);
    for (size_t index = 0; index < panels.count(); ++index) {
        fill_denoiser_input(s, panels.at(index));
        memcpy(s->denoising->output, s->denoising->input, 5 * rows * width * sizeof(float));
        take_denoised(s, panels.at(index));
    }
    const auto radiance = [&](size_t line, size_t sample, size_t k) {
        return s->denoising->radiance[(line * 10 + sample) * 5 + k];
    };
    for (size_t sample : {0u, 4u, 5u, 9u}) {
        for (size_t k = 0; k < 5; ++k) {
            const float expected = std::exp(wanted(strip + 3, sample, k)) * static_cast<float>(1u << k);
            CHECK(std::fabs(radiance(3, sample, k) - expected) < 1e-5f * expected);
        }
    }
    const float held[] = {0.0f, -9990.0f, -9998.0f, -9997.0f, -9999.0f};
    for (size_t i = 1; i < 5; ++i) {
        CHECK(radiance(1, i, 0) == held[i] && radiance(1, i, 4) == held[i]);
    }
    CHECK(radiance(1, 0, 0) > 0.0f && radiance(1, 5, 0) > 0.0f);
}

void test_a_reset_forgets() {
    const MadeSession made(8, 1);
    Session *s = made.s;
    push(s, 10, none);
    s->denoising->lines = 4;
    session_reset(s, 8);
    CHECK(s->denoising->lines == 0);
    push(s, 1, none);
    queue(s, 0, 1);
    fill_denoiser_input(s, {0, 0, 8});
    CHECK(value(*s, 5, 2, 0) == 1.0f && value(*s, 5, 3, 0) == 0.0f);
}

} // namespace

int main() {
    test_nothing_is_laid_out_unless_asked_for();
    test_a_window_is_the_strip_and_its_halo();
    test_before_the_first_line_and_after_the_last();
    test_invalid_pixels_borrow();
    test_a_window_without_a_valid_pixel_is_level();
    test_panels_join_and_flags_stay();
    test_a_reset_forgets();
    return failures;
}
