#include "dead_bands.hpp"

#include "check.hpp"
#include "made_session.hpp"

#include <cmath>
#include <vector>

using namespace onb;

namespace {

constexpr size_t samples = 40;
constexpr size_t bands = 10;

std::vector<float> plain_line() { return std::vector<float>(samples * bands, 1.0f); }

void spoil_band(std::vector<float> *line, size_t band, size_t every, float value) {
    for (size_t c = 0; c < samples; c += every) {
        (*line)[c * bands + band] = value;
    }
}

// Which bands a line of the session's samples lacks, as a number of bits.
uint32_t found(DeadBands *dead, const std::vector<float> &line, size_t count = samples) {
    find_dead_bands(dead, line.data(), count, bands);
    uint32_t bits = 0;
    uint32_t total = 0;
    for (uint32_t b = 0; b < bands; ++b) {
        bits |= static_cast<uint32_t>(dead->here[b]) << b;
        total += dead->here[b];
    }
    CHECK(total == dead->count);
    return bits;
}

void test_bands_bad_in_most_pixels_are_found() {
    MadeSession made(samples);
    DeadBands *const dead = &made.s->dead;
    CHECK(found(dead, plain_line()) == 0);
    const float kinds[] = {NAN, INFINITY, -INFINITY, -9999.0f, -9000.0f};
    for (const float kind : kinds) {
        std::vector<float> line = plain_line();
        spoil_band(&line, 3, 1, kind);
        spoil_band(&line, 9, 1, kind);
        CHECK(found(dead, line) == (1u << 3 | 1u << 9));
    }
    std::vector<float> half = plain_line();
    spoil_band(&half, 5, 2, NAN); // every other pixel: not most of them
    CHECK(found(dead, half) == 0);
    CHECK(found(dead, plain_line()) == 0);
}

void test_pixels_bad_as_a_whole_say_nothing() {
    MadeSession made(samples);
    DeadBands *const dead = &made.s->dead;
    std::vector<float> line = plain_line();
    for (size_t c = 0; c < samples - 10; ++c) {
        for (size_t b = 0; b < bands; ++b) {
            line[c * bands + b] = -9999.0f;
        }
    }
    CHECK(found(dead, line) == 0);
    for (size_t c = samples - 10; c < samples; ++c) {
        line[c * bands + 4] = NAN;
    }
    CHECK(found(dead, line) == 1u << 4);
    for (size_t c = samples - 10; c < samples - 5; ++c) {
        for (size_t b = 0; b < bands; ++b) {
            line[c * bands + b] = -9999.0f;
        }
    }
    CHECK(found(dead, line) == 1u << 4); // five pixels are too few to tell: as the line before
    clear_dead_bands(dead, made.s->plan);
    CHECK(found(dead, line) == 0);
}

// A pixel may have eight bad values whatever the number of bands; as many dead bands must be known as such.
void test_few_bands_have_dead_ones_too() {
    MadeSession made(samples);
    std::vector<float> line = plain_line();
    for (size_t b = 0; b < 8; ++b) {
        spoil_band(&line, b, 1, NAN);
    }
    CHECK(found(&made.s->dead, line) == 0xFFu);
    spoil_band(&line, 8, 1, NAN);
    CHECK(found(&made.s->dead, plain_line()) == 0);
    CHECK(found(&made.s->dead, line) == 0); // nine of ten: bad as a whole
}

void test_narrow_lines_have_none() {
    MadeSession made(7);
    std::vector<float> line(7 * bands, 1.0f);
    for (size_t c = 0; c < 7; ++c) {
        line[c * bands] = NAN;
    }
    CHECK(found(&made.s->dead, line, 7) == 0);
}

void test_a_band_returns_when_nearly_all_lines_have_it() {
    MadeSession made(samples);
    Session *const s = made.s;
    const Plan &plan = s->plan;
    Lacking *before = &s->before.lacking;
    Lacking *after = &s->after.lacking;
    s->dead.pending[2] = 1;
    s->dead.told = 4;
    update_lacking(after, *before, s->dead, plan);
    CHECK(lacking_variance(*after, s->dead, 2) > 0.0);
    CHECK(lacking_variance(*after, s->dead, 1) == 0.0);
    s->dead.pending[2] = 0;
    s->dead.told = 0; // lines that tell nothing, as lost ones: a band does not return behind them
    for (int i = 0; i < 100; ++i) {
        std::swap(before, after);
        update_lacking(after, *before, s->dead, plan);
    }
    CHECK(lacking_variance(*after, s->dead, 2) > 0.0);
    s->dead.told = 4;
    int events = 0;
    for (; events < 100 && lacking_variance(*after, s->dead, 2) > 0.0; ++events) {
        std::swap(before, after);
        update_lacking(after, *before, s->dead, plan);
    }
    // One line of n: by 32 lines without forgetting, sooner never, later while 16 lines are remembered.
    CHECK(events >= 5 && events < 20);
}

void test_notes_go_to_the_filter_s_bands() {
    MadeSession made(samples);
    Session *const s = made.s;
    const uint32_t chosen[] = {1, 3, 4, 7, 9};
    std::vector<float> line = plain_line();
    spoil_band(&line, 3, 1, NAN);
    spoil_band(&line, 8, 1, NAN);
    find_dead_bands(&s->dead, line.data(), samples, bands);
    note_dead_bands(&s->dead, chosen, 5);
    note_dead_bands(&s->dead, chosen, 5);
    for (size_t k = 0; k < 5; ++k) {
        CHECK(s->dead.pending[k] == (k == 1 ? 2u : 0u));
    }
    CHECK(s->dead.told == 2);
    update_lacking(&s->after.lacking, s->before.lacking, s->dead, s->plan);
    std::swap(s->before, s->after);
    session_reset(s, samples);
    CHECK(s->dead.pending[1] == 0 && s->dead.count == 0 && s->dead.told == 0 && s->dead.here[3] == 0);
    CHECK(s->before.lacking.all == 0.0 && s->before.lacking.lines[1] == 0.0);
    CHECK(lacking_variance(s->before.lacking, s->dead, 1) == 0.0);
}

} // namespace

int main() {
    test_bands_bad_in_most_pixels_are_found();
    test_pixels_bad_as_a_whole_say_nothing();
    test_narrow_lines_have_none();
    test_few_bands_have_dead_ones_too();
    test_a_band_returns_when_nearly_all_lines_have_it();
    test_notes_go_to_the_filter_s_bands();
    return failures;
}
