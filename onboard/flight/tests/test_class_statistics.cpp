#include "filter_steps.hpp"
#include "made_parts.hpp"
#include "made_session.hpp"
#include "check.hpp"

using namespace onb;

namespace {

constexpr uint32_t samples = 8;
constexpr uint32_t classes = 3;

// The class by its definition.
uint8_t nearest_of(const ClassPlan &plan, const float *log) {
    int64_t best = INT64_MAX;
    uint8_t chosen = 0;
    for (uint32_t k = 0; k < plan.classes; ++k) {
        int64_t distance = 0;
        for (uint32_t b = 0; b < plan.bands; ++b) {
            const int64_t x = std::lrintf(log[read_u32(plan.band_index + 4 * b)] * 1024.0f);
            const int64_t d = x - read_i16(plan.centres + 2 * (k * plan.bands + b));
            distance += d * d;
        }
        if (distance < best) {
            best = distance;
            chosen = static_cast<uint8_t>(k);
        }
    }
    return chosen;
}

void test_classes_of_pixels() {
    static MadeBundle made;
    static Bundle bundle;
    const Classes book;
    assemble(good_parts(), &made, &book);
    CHECK(read_bundle({made.bytes, made.size}, &bundle, nullptr) == ONB_OK);
    const MadeSession session(samples, 0, bundle.plan);
    load_constants(session.s, bundle.tables);
    CHECK(constants_intact(*session.s));
    const float tie[bands] = {0.0f, 1.0f, 1.0f, 1.0f, -2.0f, 0.0f}; // as far from class 0 as from class 1
    CHECK(class_of(*session.s, tie) == 0);
    const float past[bands] = {0.0f, 1.0f, 1.0f, 1.0f, -2.0f + 0.001f, 0.0f};
    CHECK(class_of(*session.s, past) == 1);
    Random random(5);
    const float edges[] = {-4.0f, 3.0f};
    uint32_t seen[3] = {};
    for (int i = 0; i < 1000; ++i) {
        float log[bands];
        for (float &value : log) {
            const uint64_t bits = random.bits();
            value = bits % 4 == 0 ? edges[bits / 4 % 2] : static_cast<float>(random.uniform(-4.0, 3.0));
        }
        const uint8_t found = class_of(*session.s, log);
        CHECK(found == nearest_of(bundle.tables.classes, log));
        ++seen[found];
    }
    CHECK(seen[0] > 50 && seen[1] > 50 && seen[2] > 50);
    session.s->constants.class_centres[1] += 1;
    CHECK(!constants_intact(*session.s));
}

Plan class_plan() {
    Plan plan = small_plan();
    plan.ground_classes = classes;
    plan.class_bands = 2;
    return plan;
}

void fill(Session *s, const Batch &batch, uint64_t seed) {
    Random random(seed);
    for (size_t i = 0; i < batch.lines; ++i) {
        const size_t row = batch.first_row + i;
        for (size_t c = 0; c < samples; ++c) {
            for (size_t k = 0; k < s->plan.mf_bands; ++k) {
                s->counts_of(batch.first_line + i)[c * s->filter_pitch + k] =
                    static_cast<int16_t>(random.bits() % 8192 - 4096);
            }
            const uint64_t draw = random.bits() % 5;
            s->window.keep[s->plane(row) + c] = draw == 0 ? uint8_t{0} : (draw < 3 ? teaches : teaches | in_means);
            s->classes_of(batch.first_line + i)[c] = static_cast<uint8_t>(random.bits() % classes);
        }
    }
}

// One element of each sum, pixel by pixel.
struct Sums {
    double scatter, sum, kept_sum, count, kept_count;
};

Sums plain_sums(const Session &s, const Batch &batch, uint32_t k) {
    Sums sums{};
    for (size_t i = 0; i < batch.lines; ++i) {
        for (size_t c = 0; c < samples; ++c) {
            const uint8_t keep = s.window.keep[s.plane(batch.first_row + i) + c];
            if ((batch.first_line + i + c) % 2 != 0 || keep == 0 || s.classes_of(batch.first_line + i)[c] != k) {
                continue;
            }
            const int16_t *counts = s.counts_of(batch.first_line + i) + c * s.filter_pitch;
            const float *used = s.scratch.used + c * s.filter_pitch;
            const double one = counts[1] / 4096.0 - static_cast<double>(used[1]);
            const double four = counts[4] / 4096.0 - static_cast<double>(used[4]);
            const double kept = (keep & in_means) != 0 ? 1.0 : 0.0;
            sums = {sums.scatter + one * four, sums.sum + one, sums.kept_sum + kept * one, sums.count + 1.0,
                    sums.kept_count + kept};
        }
    }
    return sums;
}

bool near(double a, double b) { return std::fabs(a - b) < 1e-5; }

void check_class(const Session &s, uint32_t k, const Sums &sums) {
    const size_t pitch = s.filter_pitch;
    CHECK(near(s.after.class_scatter[k * pitch * pitch + 1 * pitch + 4], sums.scatter));
    CHECK(near(s.after.class_sum[k * pitch + 1], sums.sum));
    CHECK(near(s.after.class_kept_sum[k * pitch + 1], sums.kept_sum));
    CHECK(near(s.after.class_count[k], sums.count));
    CHECK(near(s.after.class_kept_count[k], sums.kept_count));
}

void test_sums_of_each_class_against_brute_force() {
    const MadeSession made(samples, 0, class_plan());
    Session *s = made.s;
    const Batch batch = {0, s->row_of(0), 6};
    fill(s, batch, 11);
    update_statistics(s, batch);
    double count = 0.0;
    for (uint32_t k = 0; k < classes; ++k) {
        const Sums sums = plain_sums(*s, batch, k);
        CHECK(sums.count > sums.kept_count && sums.kept_count > 0.0);
        check_class(*s, k, sums);
        count += sums.count;
    }
    CHECK(s->after.count == count);
}

void test_classes_are_forgotten_with_the_pooled_scatter() {
    const MadeSession made(samples, 0, class_plan());
    Session *s = made.s;
    const Batch batch = {0, s->row_of(0), 6};
    fill(s, batch, 2);
    s->before.count = 128.0; // held to 16 * 8 / 2 = 64, so half is left
    s->before.class_count[1] = 100.0;
    s->before.class_kept_count[1] = 90.0;
    s->before.class_sum[s->filter_pitch + 1] = 6.0;
    s->before.class_kept_sum[s->filter_pitch + 1] = 4.0;
    s->before.class_scatter[s->filter_pitch * s->filter_pitch + s->filter_pitch + 4] = 10.0;
    update_statistics(s, batch);
    const Sums sums = plain_sums(*s, batch, 1);
    check_class(*s, 1, {5.0 + sums.scatter, 3.0 + sums.sum, 2.0 + sums.kept_sum, 50.0 + sums.count,
                        45.0 + sums.kept_count});
}

void test_the_pooled_scatter_is_that_without_classes() {
    const MadeSession with(samples, 0, class_plan());
    const MadeSession without(samples);
    const Batch batch = {0, with.s->row_of(0), 6};
    fill(with.s, batch, 3);
    const size_t pixels = batch.lines * samples;
    memcpy(without.s->window.counts, with.s->window.counts, pixels * with.s->filter_pitch * sizeof(int16_t));
    memcpy(without.s->window.keep, with.s->window.keep, 8 * samples);
    update_statistics(with.s, batch);
    update_statistics(without.s, batch);
    CHECK(with.s->after.count == without.s->after.count && with.s->after.count > 0.0);
    for (size_t i = 0; i < 5; ++i) {
        for (size_t j = i; j < 5; ++j) {
            CHECK(near(with.s->after.scatter[i * with.s->filter_pitch + j],
                       without.s->after.scatter[i * with.s->filter_pitch + j]));
        }
    }
}

void test_a_reset_forgets_the_classes() {
    const MadeSession made(samples, 0, class_plan());
    Session *s = made.s;
    const Batch batch = {0, s->row_of(0), 6};
    fill(s, batch, 4);
    update_statistics(s, batch);
    session_reset(s, samples);
    for (uint32_t k = 0; k < classes; ++k) {
        check_class(*s, k, Sums{});
    }
    CHECK(s->classes_of(3)[2] == 0);
}

} // namespace

int main() {
    test_classes_of_pixels();
    test_sums_of_each_class_against_brute_force();
    test_classes_are_forgotten_with_the_pooled_scatter();
    test_the_pooled_scatter_is_that_without_classes();
    test_a_reset_forgets_the_classes();
    return failures;
}
