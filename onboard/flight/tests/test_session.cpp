#include "made_session.hpp"
#include "check.hpp"

using namespace onb;

namespace {

void test_measured_and_taken_agree() {
    uint64_t last = 0;
    for (uint32_t samples : {1u, 7u, 8u, 9u, 100u}) {
        const MadeSession made(samples);
        CHECK(made.s->events.queue_empty());
        CHECK(made.bytes % 64 == 0 && made.bytes >= last);
        last = made.bytes;
        // The last table laid out is the event queue; it must end where the block ends.
        Arena arena;
        Session again{};
        again.plan = made.s->plan;
        again.config = made.s->config;
        (void)arena.take<Session>(1);
        lay_out(&again, &arena);
        CHECK(arena.used() == made.bytes);
    }
}

void test_wide_swaths_get_their_own_body_input() {
    const MadeSession narrow(8);
    const MadeSession wide(9);
    CHECK(narrow.s->body_input == narrow.s->window.channels);
    CHECK(wide.s->body_input != wide.s->window.channels);
    CHECK(wide.s->window.pitch == 9 && narrow.s->window.pitch == 8);
}

void test_a_new_session_waits_for_a_first_strip() {
    const MadeSession made(8);
    Session &s = *made.s;
    CHECK(s.window_first() == -2 && s.row_of(0) == 2);
    CHECK(!strip_due(s) && queues_empty(s));
    s.arrived = 5;
    CHECK(!strip_due(s));
    s.arrived = 6;
    CHECK(strip_due(s));
    s.next_strip = 1;
    CHECK(!strip_due(s) && s.window_first() == 2);
    s.phase = Phase::flushing;
    CHECK(strip_due(s));
    s.next_strip = 2;
    CHECK(!strip_due(s));
}

void test_constants_are_watched() {
    const MadeSession made(8);
    Session *s = made.s;
    memset(const_cast<uint8_t *>(s->constants.begin), 1, s->constants.size);
    s->constants.digest = sha256(s->constants.begin, s->constants.size);
    CHECK(constants_intact(*s));
    s->constants.gas.noise_two[4] += 1.0;
    CHECK(!constants_intact(*s));
}

void test_settings_are_watched() {
    const MadeSession made(8);
    Session *s = made.s;
    seal_settings(s);
    CHECK(settings_intact(*s));
    s->plan.plume_threshold += 0.25f;
    CHECK(!settings_intact(*s));
    s->plan.plume_threshold -= 0.25f;
    CHECK(settings_intact(*s));
    s->config.pixel_size_m *= 2.0;
    CHECK(!settings_intact(*s));
}

} // namespace

int main() {
    test_measured_and_taken_agree();
    test_wide_swaths_get_their_own_body_input();
    test_a_new_session_waits_for_a_first_strip();
    test_constants_are_watched();
    test_settings_are_watched();
    return failures;
}
