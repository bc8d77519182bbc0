#include "events.hpp"
#include "check.hpp"

#include <cstring>

using namespace onb;

namespace {

constexpr uint32_t width = 37;
constexpr uint32_t height = 29;
constexpr uint32_t furthest = 5; // lines apart that still touch: four lost ones in between
alignas(64) uint8_t block[1 << 18];

struct Image {
    uint8_t mask[height][width];
    float values[height][width];
    uint32_t label[height][width];
    bool lost[height];
};

uint32_t next_seen(const Image &image, uint32_t y) {
    do {
        ++y;
    } while (y < height && image.lost[y]);
    return y;
}

bool spread(Image *image, uint32_t y, uint32_t x, uint32_t to_y, uint32_t to_x) {
    if (to_y >= height || to_x >= width || image->label[y][x] == 0 || image->label[to_y][to_x] == 0 ||
        image->label[y][x] == image->label[to_y][to_x]) {
        return false;
    }
    uint32_t *const a = &image->label[y][x];
    uint32_t *const b = &image->label[to_y][to_x];
    *a = *b = *a < *b ? *a : *b;
    return true;
}

// Brute force: the smallest number among neighbours spreads until nothing changes.
uint32_t count_components(Image *image) {
    uint32_t next = 1;
    for (uint32_t y = 0; y < height; ++y) {
        for (uint32_t x = 0; x < width; ++x) {
            image->label[y][x] = image->mask[y][x] != 0 ? next++ : 0;
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t p = 0; p < height * width; ++p) {
            const uint32_t y = p / width;
            const uint32_t x = p % width;
            changed = spread(image, y, x, y, x + 1) || changed;
            const uint32_t below = next_seen(*image, y);
            for (uint32_t d = 0; below - y <= furthest && d <= 2 * (below - y); ++d) {
                changed = spread(image, y, x, below, x + d - (below - y)) || changed;
            }
        }
    }
    uint32_t count = 0;
    for (uint32_t i = 1; i < next; ++i) {
        bool used = false;
        for (uint32_t p = 0; p < height * width; ++p) {
            used = used || image->label[p / width][p % width] == i;
        }
        count += used ? 1u : 0u;
    }
    return count;
}

void compare(const Image &image, const onb_event &event) {
    const uint32_t label = image.label[event.peak_line][event.peak_sample];
    uint32_t area = 0;
    double sum = 0.0;
    for (uint32_t y = 0; y < height; ++y) {
        for (uint32_t x = 0; x < width; ++x) {
            if (image.label[y][x] == label) {
                ++area;
                sum += static_cast<double>(image.values[y][x]);
                CHECK(y >= event.first_line && y <= event.last_line);
                CHECK(x >= event.first_sample && x <= event.last_sample);
                CHECK(image.values[y][x] <= event.peak_enhancement);
            }
        }
    }
    CHECK(label != 0 && area == event.area_pixels);
    CHECK(std::fabs(event.ime_kg - sum * 900.0 * 16.04 / 22.4 * 1e-6) < 1e-9 * std::fabs(sum) + 1e-12);
}

void track(EventTracker *tracker, const Image &image) {
    for (uint32_t y = 0; y < height; ++y) {
        tracker->add_line({y, width, y, image.lost[y], image.mask[y], image.values[y], image.values[y]});
    }
    tracker->finish(height, width);
}

Image random_image(uint64_t seed, double density, double lost) {
    Random random(seed);
    Image image{};
    for (uint32_t p = 0; p < height * width; ++p) {
        image.mask[p / width][p % width] = random.uniform(0.0, 1.0) < density ? 1 : 0;
        image.values[p / width][p % width] = static_cast<float>(random.uniform(-1.0, 1.0));
    }
    for (uint32_t y = 0; y < height; ++y) {
        image.lost[y] = random.uniform(0.0, 1.0) < lost;
        if (image.lost[y]) {
            memset(image.mask[y], 0, width);
        }
    }
    return image;
}

void test_random_masks(EventTracker *tracker, double lost) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
        Image image = random_image(seed, static_cast<double>(seed % 20) / 19.0, lost);
        tracker->reset({1, -10.0f, 900.0});
        track(tracker, image);
        const uint32_t expected = count_components(&image);
        CHECK(tracker->accepted() == expected && tracker->dropped() == 0);
        onb_event event;
        uint32_t polled = 0;
        while (tracker->poll(&event)) {
            compare(image, event);
            CHECK(event.event_id == ++polled);
        }
        CHECK(polled == expected && tracker->queue_empty());
    }
}

uint32_t count_across(EventTracker *tracker, uint32_t lost, uint32_t shift) {
    Image image{};
    image.mask[9][10] = 1;
    image.mask[10 + lost][10 + shift] = 1;
    for (uint32_t i = 0; i < lost; ++i) {
        image.lost[10 + i] = true;
    }
    tracker->reset({1, -10.0f, 900.0});
    track(tracker, image);
    return static_cast<uint32_t>(tracker->accepted());
}

void test_a_plume_goes_on_behind_a_few_lost_lines(EventTracker *tracker) {
    CHECK(count_across(tracker, 0, 1) == 1 && count_across(tracker, 0, 2) == 2);
    CHECK(count_across(tracker, 1, 2) == 1 && count_across(tracker, 1, 3) == 2);
    CHECK(count_across(tracker, 4, 5) == 1 && count_across(tracker, 4, 6) == 2);
    CHECK(count_across(tracker, 5, 0) == 2);
}

void test_lost_lines_at_either_end_are_the_capture_s_edge(EventTracker *tracker) {
    Image image{};
    for (uint32_t y : {0u, 1u, height - 2, height - 1}) {
        image.lost[y] = true;
    }
    image.mask[2][10] = image.mask[height - 3][20] = image.mask[height / 2][15] = 1;
    tracker->reset({1, -10.0f, 900.0});
    track(tracker, image);
    onb_event event;
    uint32_t edges = 0;
    for (uint32_t i = 0; i < 3; ++i) {
        CHECK(tracker->poll(&event));
        edges += event.touches_edge;
        CHECK((event.touches_edge == 1) == (event.first_line != height / 2));
    }
    CHECK(edges == 2 && !tracker->poll(&event));
}

void test_what_too_many_lost_lines_end_may_go_on_in_them(EventTracker *tracker) {
    for (const uint32_t lost : {4u, 5u, 9u}) {
        Image image{};
        for (uint32_t i = 0; i < lost; ++i) {
            image.lost[10 + i] = true;
        }
        image.mask[9][10] = image.mask[10 + lost][30] = 1;      // beside the gap
        image.mask[7][20] = image.mask[12 + lost][20] = 1;      // not beside it
        tracker->reset({1, -10.0f, 900.0});
        track(tracker, image);
        onb_event event;
        for (uint32_t i = 0; i < 4; ++i) {
            CHECK(tracker->poll(&event));
            const bool beside = event.first_line == 9 || event.first_line == 10 + lost;
            CHECK((event.touches_edge == 1) == (beside && lost > 4));
        }
        CHECK(!tracker->poll(&event));
    }
    Image image{};
    for (uint32_t i = 0; i < 6; ++i) {
        image.lost[i] = image.lost[height - 1 - i] = true;
    }
    image.mask[6][10] = image.mask[height - 7][20] = 1;
    tracker->reset({1, -10.0f, 900.0});
    track(tracker, image);
    onb_event event;
    CHECK(tracker->poll(&event) && event.touches_edge == 1);
    CHECK(tracker->poll(&event) && event.touches_edge == 1);
}

void test_a_full_queue_drops_and_counts() {
    Arena arena(block, sizeof block);
    EventTracker tracker{};
    tracker.lay_out(&arena, width, 3);
    tracker.reset({1, -10.0f, 1.0});
    Image image{};
    for (uint32_t x = 0; x < width; x += 2) {
        image.mask[5][x] = 1;
    }
    track(&tracker, image);
    onb_event event;
    CHECK(tracker.accepted() == 19 && tracker.dropped() == 16);
    CHECK(tracker.poll(&event) && event.event_id == 1 && event.first_sample == 0 && event.touches_edge == 1);
    CHECK(tracker.poll(&event) && event.event_id == 2 && event.touches_edge == 0);
    CHECK(tracker.poll(&event) && !tracker.poll(&event));
}

} // namespace

int main() {
    Arena arena(block, sizeof block);
    EventTracker tracker{};
    tracker.lay_out(&arena, width, 2000);
    CHECK(arena.used() <= sizeof block);
    test_random_masks(&tracker, 0.0);
    test_random_masks(&tracker, 0.3);
    test_random_masks(&tracker, 0.7);
    test_a_plume_goes_on_behind_a_few_lost_lines(&tracker);
    test_lost_lines_at_either_end_are_the_capture_s_edge(&tracker);
    test_what_too_many_lost_lines_end_may_go_on_in_them(&tracker);
    test_a_full_queue_drops_and_counts();
    return failures;
}
