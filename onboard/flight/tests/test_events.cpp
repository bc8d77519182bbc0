#include "events.hpp"
#include "check.hpp"

#include <cstring>

using namespace onb;

namespace {

constexpr uint32_t width = 37;
constexpr uint32_t height = 29;
alignas(64) uint8_t block[1 << 18];

struct Image {
    uint8_t mask[height][width];
    float values[height][width];
    uint32_t label[height][width];
};

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
        for (uint32_t i = 0; i < height * width * 9; ++i) {
            const uint32_t y = i / 9 / width;
            const uint32_t x = i / 9 % width;
            const uint32_t ny = y + i % 9 / 3 - 1;
            const uint32_t nx = x + i % 3 - 1;
            if (image->label[y][x] == 0 || ny >= height || nx >= width || image->label[ny][nx] == 0) {
                continue;
            }
            if (image->label[ny][nx] < image->label[y][x]) {
                image->label[y][x] = image->label[ny][nx];
                changed = true;
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
        tracker->add_line({y, width, y, image.mask[y], image.values[y], image.values[y]});
    }
    tracker->finish(height, width);
}

Image random_image(uint64_t seed, double density) {
    Random random(seed);
    Image image{};
    for (uint32_t p = 0; p < height * width; ++p) {
        image.mask[p / width][p % width] = random.uniform(0.0, 1.0) < density ? 1 : 0;
        image.values[p / width][p % width] = static_cast<float>(random.uniform(-1.0, 1.0));
    }
    return image;
}

void test_random_masks(EventTracker *tracker) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
        Image image = random_image(seed, static_cast<double>(seed % 20) / 19.0);
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
    test_random_masks(&tracker);
    test_a_full_queue_drops_and_counts();
    return failures;
}
