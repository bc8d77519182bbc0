#include "filter_steps.hpp"
#include "made_session.hpp"
#include "check.hpp"

using namespace onb;

namespace {

constexpr uint32_t samples = 8;

// Fills the ring, the dynamic features and the masks of the first event's lines.
void fill(Session *s, const Batch &batch, uint64_t seed) {
    Random random(seed);
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t row = batch.first_row + i;
        int16_t *counts = s->counts_of(batch.first_line + i);
        for (size_t c = 0; c < samples; ++c) {
            for (size_t k = 0; k < s->filter_pitch; ++k) {
                counts[c * s->filter_pitch + k] =
                    k < s->plan.mf_bands ? static_cast<int16_t>(random.bits() % 8192 - 4096) : int16_t{0};
            }
            for (uint32_t f = 0; f < s->plan.dynamic_features; ++f) {
                s->channel_row(5 + f, row)[c] = static_cast<float>(random.uniform(-2.0, 2.0));
            }
            const bool valid = random.bits() % 5 != 0;
            s->window.quality[s->plane(row) + c] = valid ? 0 : ONB_QUALITY_NO_DATA;
            const uint8_t marks = random.bits() % 5 != 0 ? teaches | in_means : teaches;
            s->window.keep[s->plane(row) + c] = valid ? marks : uint8_t{0};
        }
    }
}

double count_at(const Session &s, const Batch &batch, size_t i, size_t c, size_t k) {
    return s.counts_of(batch.first_line + i)[c * s.filter_pitch + k] / 4096.0;
}

void check_means(const Session &s, const Batch &batch) {
    for (size_t c = 0; c < samples; ++c) {
        double weight = 0.0;
        double sum = 0.0;
        for (size_t i = 0; i < batch.lines; ++i) {
            const double keep = (s.window.keep[s.plane(batch.first_row + i) + c] & in_means) != 0 ? 1.0 : 0.0;
            weight += keep;
            sum += keep * count_at(s, batch, i, c, 3);
        }
        CHECK(s.after.weight[c] == weight);
        CHECK(weight == 0.0 || std::fabs(s.after.mean[c * s.filter_pitch + 3] - sum / weight) < 1e-9);
    }
}

void check_scatter(const Session &s, const Batch &batch) {
    double count = 0.0;
    double scatter = 0.0;
    for (size_t i = 0; i < batch.lines; ++i) {
        for (size_t c = 0; c < samples; ++c) {
            if ((batch.first_line + i + c) % 2 != 0 || s.window.keep[s.plane(batch.first_row + i) + c] == 0) {
                continue;
            }
            const float *used = s.scratch.used + c * s.filter_pitch;
            count += 1.0;
            scatter += (count_at(s, batch, i, c, 1) - static_cast<double>(used[1])) *
                       (count_at(s, batch, i, c, 4) - static_cast<double>(used[4]));
        }
    }
    CHECK(s.after.count == count);
    CHECK(std::fabs(s.after.scatter[1 * s.filter_pitch + 4] - scatter) < 1e-5);
}

void test_first_event_against_brute_force() {
    const MadeSession made(samples);
    const Batch batch = {0, made.s->row_of(0), 6};
    fill(made.s, batch, 1);
    update_statistics(made.s, batch);
    check_means(*made.s, batch);
    check_scatter(*made.s, batch);
}

void test_old_lines_are_forgotten() {
    const MadeSession made(samples);
    Session *s = made.s;
    const Batch batch = {0, s->row_of(0), 6};
    fill(s, batch, 2);
    for (size_t c = 0; c < samples; ++c) {
        s->before.weight[c] = 1000.0; // held to memory_lines = 16
        s->before.mean[c * s->filter_pitch] = 1.0;
    }
    s->before.count = 1e6; // held to 16 * 8 / 2 = 64
    s->before.scatter[0] = 1e6;
    update_statistics(s, batch);
    CHECK(s->after.weight[2] >= 16.0 && s->after.weight[2] <= 22.0);
    CHECK(s->after.count > 64.0 && s->after.count <= 64.0 + 24.0);
    CHECK(s->after.scatter[0] >= 64.0 && s->after.scatter[0] < 64.0 + 24.0 * 4.0);
}

void test_columns_without_lines_take_the_mean_of_all() {
    const MadeSession made(samples);
    Session *s = made.s;
    const Batch batch = {0, s->row_of(0), 6};
    fill(s, batch, 3);
    for (size_t i = 0; i < batch.lines; ++i) {
        s->window.keep[s->plane(batch.first_row + i) + 5] = 0;
    }
    update_statistics(s, batch);
    double weight = 0.0;
    double overall = 0.0;
    for (size_t c = 0; c < samples; ++c) {
        weight += s->after.weight[c];
        overall += s->after.weight[c] * s->after.mean[c * s->filter_pitch];
    }
    CHECK(std::fabs(static_cast<double>(s->scratch.used[5 * s->filter_pitch]) - overall / weight) < 1e-6);
}

} // namespace

int main() {
    test_first_event_against_brute_force();
    test_old_lines_are_forgotten();
    test_columns_without_lines_take_the_mean_of_all();
    return failures;
}
