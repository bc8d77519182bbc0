#include "made_session.hpp"
#include "plain_filter.hpp"
#include "check.hpp"

using namespace onb;

namespace {

constexpr uint32_t samples = 40;

Plan plan_of(uint32_t classes, uint32_t near = 0) {
    Plan plan = small_plan();
    plan.curve_points = 3;
    plan.strip_lines = 16;
    plan.halo_lines = 8;
    plan.body_lines = 32;
    plan.memory_lines = 40;
    plan.ground_classes = classes;
    plan.class_bands = 2;
    plan.exclude_near = near;
    return plan;
}

void fill_gas(Session *s) {
    GasTables &gas = s->constants.gas;
    const double alphas[] = {0.0, 1000.0, 4000.0};
    const double strength[] = {1e-5, 4e-5, 2e-5, 0.5e-5, 3e-5};
    memcpy(gas.alphas, alphas, sizeof alphas);
    for (size_t k = 0; k < 5; ++k) {
        gas.target[k] = -strength[k];
        gas.lines[k] = 0.0;
        gas.lines[5 + k] = -1000.0 * strength[k];
        gas.lines[10 + k] = -3600.0 * strength[k];
        gas.noise_one[k] = 2e-6;
        gas.noise_two[k] = 5e-6;
    }
}

// Ground that differs from class to class in level, and in how its bands vary together; some gas, some gaps.
void fill_pixel(Session *s, Random *random, uint64_t line, size_t column) {
    const uint32_t classes = s->plan.ground_classes;
    const uint32_t draw = random->bits() % 100;
    const uint32_t k = draw < 70 ? 0 : draw % classes;
    const double one = random->uniform(-0.3, 0.3);
    const double two = random->uniform(-0.2, 0.2) * (1.0 + k);
    const double alpha = (line / 4 + column / 4) % 17 == 3 ? 3000.0 : 0.0;
    int16_t *counts = s->counts_of(line) + column * s->filter_pitch;
    const size_t at = s->plane(s->row_of(line)) + column;
    double sum = 0.0;
    for (size_t b = 0; b < s->plan.mf_bands; ++b) {
        const double ground = 0.1 * k + one + two * (static_cast<double>((b + k) % 3) - 1.0) + 0.02 * static_cast<double>(column % 5);
        const double log = ground + random->uniform(-0.01, 0.01) + alpha * s->constants.gas.target[b];
        counts[b] = static_cast<int16_t>(std::lrint(log * 4096.0));
        sum += counts[b] / 4096.0;
    }
    s->classes_of(line)[column] = static_cast<uint8_t>(k);
    s->window.brightness[at] = static_cast<float>(sum / s->plan.mf_bands);
    s->window.quality[at] = random->bits() % 20 == 0 ? ONB_QUALITY_NO_DATA : 0;
}

void check_batch(const Session &s, const Batch &batch, const PlainFilter &plain) {
    const size_t first = s.plane(batch.first_row);
    size_t outside = 0;
    for (size_t i = 0; i < plain.pixels.size(); ++i) {
        const double alpha = static_cast<double>(s.window.enhancement[first + i]);
        const double sigma = static_cast<double>(s.window.sigma[first + i]);
        const bool good = std::fabs(alpha - plain.alpha[i]) < 0.5 + 1e-3 * std::fabs(plain.alpha[i]) &&
                          std::fabs(sigma - plain.sigma[i]) < 1e-3 * plain.sigma[i];
        outside += good ? 0 : 1;
    }
    CHECK(outside == 0);
}

// Several events of a capture, the last ones with forgetting; the largest share of a class in them.
double compare_events(uint32_t classes, uint32_t near) {
    const MadeSession made(samples, 0, plan_of(classes, near));
    Session *s = made.s;
    fill_gas(s);
    PlainFilter plain(*s);
    Random random(classes);
    uint64_t ends[] = {24, 40, 56, 72, 75};
    for (size_t event = 0; event < 5; ++event) {
        s->next_strip = event;
        const Batch batch = {s->judged, s->row_of(s->judged), static_cast<size_t>(ends[event] - s->judged)};
        for (uint64_t line = batch.first_line; line < ends[event]; ++line) {
            for (size_t c = 0; c < samples; ++c) {
                fill_pixel(s, &random, line, c);
            }
        }
        s->arrived = ends[event];
        judge_lines(s);
        plain.judge(*s, batch);
        check_batch(*s, batch, plain);
    }
    CHECK(s->before.count < 75.0 * samples / 2 * 0.95); // something was forgotten
    return s->before.class_count[0] / s->before.count;
}

void test_events_against_plain_double_precision() {
    for (const uint32_t near : {0u, 1u, 2u, 30u}) {
        const double share = compare_events(4, near);
        CHECK(share > 0.6 && share < 0.9);
    }
}

void test_one_class_that_takes_all() { CHECK(std::fabs(compare_events(1, 1) - 1.0) < 1e-12); }

// Classes that differ in nothing but their name: each filter is near the one of all ground.
void test_a_class_is_drawn_to_all_ground() {
    const MadeSession with(samples, 0, plan_of(64));
    const MadeSession without(samples, 0, plan_of(0));
    fill_gas(with.s);
    fill_gas(without.s);
    Random random(9);
    for (uint64_t line = 0; line < 24; ++line) {
        for (size_t c = 0; c < samples; ++c) {
            with.s->plan.ground_classes = 1;
            fill_pixel(with.s, &random, line, c);
            with.s->classes_of(line)[c] = static_cast<uint8_t>(random.bits() % 64);
        }
    }
    with.s->plan.ground_classes = 64;
    const size_t pixels = 24 * samples;
    const size_t at = with.s->plane(with.s->row_of(0));
    memcpy(without.s->window.counts, with.s->window.counts, pixels * with.s->filter_pitch * sizeof(int16_t));
    memcpy(without.s->window.brightness + at, with.s->window.brightness + at, pixels * sizeof(float));
    memcpy(without.s->window.quality + at, with.s->window.quality + at, pixels);
    double squares = 0.0;
    double differences = 0.0;
    with.s->arrived = without.s->arrived = 24;
    judge_lines(with.s);
    judge_lines(without.s);
    for (size_t i = at; i < at + pixels; ++i) {
        const double alpha = static_cast<double>(without.s->window.enhancement[i]);
        const double d = alpha - static_cast<double>(with.s->window.enhancement[i]);
        squares += alpha * alpha;
        differences += d * d;
    }
    CHECK(differences > 0.0 && differences < 0.02 * squares);
}

void test_a_batch_that_teaches_nothing() {
    const MadeSession made(samples, 0, plan_of(3));
    Session *s = made.s;
    fill_gas(s);
    s->arrived = 24;
    memset(s->window.quality, ONB_QUALITY_NO_DATA, s->plan.body_lines * static_cast<size_t>(samples));
    judge_lines(s);
    CHECK(s->judged == 24 && s->before.count == 0.0);
    for (size_t i = s->plane(8); i < s->plane(32); ++i) {
        CHECK(std::isfinite(s->window.enhancement[i]) && std::isfinite(s->window.sigma[i]));
    }
}

} // namespace

int main() {
    test_events_against_plain_double_precision();
    test_one_class_that_takes_all();
    test_a_class_is_drawn_to_all_ground();
    test_a_batch_that_teaches_nothing();
    return failures;
}
