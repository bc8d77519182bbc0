#include "events.hpp"

#include <cfloat>

namespace onb {

namespace {

constexpr uint32_t none = UINT32_MAX;
// The detector loses single lines; behind a whole frame of 32, two kilometres on, gas is another story.
constexpr uint32_t most_lost_lines = 4;
// Mass of CH4 in an enhancement of 1 ppm m over 1 m^2: 16.04 g/mol over 22.4 l/mol, at 1e-6.
constexpr double kg_per_ppm_m_m2 = 16.04e-3 / 22.4e-3 * 1e-6;

uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }
uint32_t most(uint32_t a, uint32_t b) { return a > b ? a : b; }

bool peak_is_better(const Component &a, const Component &b) {
    if (a.peak != b.peak) {
        return a.peak > b.peak;
    }
    return a.peak_line != b.peak_line ? a.peak_line < b.peak_line : a.peak_sample < b.peak_sample;
}

void absorb(Component *into, const Component &from) {
    if (peak_is_better(from, *into)) {
        into->peak = from.peak;
        into->peak_line = from.peak_line;
        into->peak_sample = from.peak_sample;
    }
    into->first_line = least(into->first_line, from.first_line);
    into->last_line = most(into->last_line, from.last_line);
    into->first_sample = least(into->first_sample, from.first_sample);
    into->last_sample = most(into->last_sample, from.last_sample);
    into->area += from.area;
    into->confidence = into->confidence > from.confidence ? into->confidence : from.confidence;
    into->sum += from.sum;
    into->sum_lines += from.sum_lines;
    into->sum_samples += from.sum_samples;
}

} // namespace

void EventTracker::lay_out(Arena *arena, uint32_t samples, uint32_t queue) {
    // A line has at most (samples + 1) / 2 runs; those of two lines can be alive at once.
    const uint32_t runs = samples / 2 + 1;
    capacity_ = 2 * runs;
    queue_capacity_ = queue;
    components_ = arena->take<Component>(capacity_);
    free_ = arena->take<uint32_t>(capacity_);
    joined_ = arena->take<uint32_t>(capacity_);
    before_ = arena->take<Run>(runs);
    now_ = arena->take<Run>(runs);
    queue_ = arena->take<onb_event>(queue);
}

void EventTracker::reset(const EventRules &rules) {
    rules_ = rules;
    for (uint32_t i = 0; i < capacity_; ++i) {
        free_[i] = capacity_ - 1 - i;
    }
    free_count_ = capacity_;
    joined_count_ = 0;
    before_count_ = now_count_ = 0;
    queue_head_ = queued_ = 0;
    next_id_ = 1;
    stamp_ = 0;
    lost_ = 0;
    first_line_ = none;
    last_line_ = arrived_ = 0;
    accepted_ = dropped_ = 0;
}

uint32_t EventTracker::root(uint32_t component) {
    while (components_[component].parent != component) {
        component = components_[component].parent;
    }
    return component;
}

uint32_t EventTracker::new_component(uint32_t line, uint32_t sample) {
    const uint32_t index = free_[--free_count_];
    components_[index] =
        Component{index, 0, line, line, sample, sample, 0, line, sample, -FLT_MAX, 0.0f, 0.0, 0.0, 0.0};
    return index;
}

uint32_t EventTracker::join(uint32_t a, uint32_t b) {
    if (a == b) {
        return a;
    }
    absorb(&components_[a], components_[b]);
    components_[b].parent = a;
    joined_[joined_count_++] = b;
    return a;
}

void EventTracker::find_runs(const MaskedLine &line) {
    now_count_ = 0;
    for (uint32_t i = 0; i < line.samples; ++i) {
        if (line.mask[i] == 0) {
            continue;
        }
        const uint32_t first = i;
        while (i + 1 < line.samples && line.mask[i + 1] != 0) {
            ++i;
        }
        now_[now_count_++] = Run{first, i, none};
    }
}

// Joins a run with all runs of the line before that it touches, corners included; each lost line in between
// lets a border move by one sample more. `from` is the first of those that can still touch this run or a later
// one.
void EventTracker::connect(Run *run, uint32_t *from, uint32_t line) {
    const uint32_t reach = 1 + lost_;
    while (*from < before_count_ && before_[*from].last + reach < run->first) {
        ++*from;
    }
    for (uint32_t i = *from; i < before_count_ && before_[i].first <= run->last + reach; ++i) {
        const uint32_t other = root(before_[i].component);
        run->component = run->component == none ? other : join(root(run->component), other);
    }
    if (run->component == none) {
        run->component = new_component(line, run->first);
    }
}

void EventTracker::measure(const Run &run, const MaskedLine &line) {
    Component &c = components_[root(run.component)];
    for (uint32_t i = run.first; i <= run.last; ++i) {
        const float value = line.enhancement[i];
        c.sum += static_cast<double>(value);
        c.sum_samples += static_cast<double>(i);
        if (value > c.peak) {
            c.peak = value;
            c.peak_line = line.line;
            c.peak_sample = i;
        }
        c.confidence = line.probability[i] > c.confidence ? line.probability[i] : c.confidence;
    }
    const uint32_t length = run.last - run.first + 1;
    c.area += length;
    c.sum_lines += static_cast<double>(length) * static_cast<double>(line.line);
    c.first_sample = least(c.first_sample, run.first);
    c.last_sample = most(c.last_sample, run.last);
    c.last_line = line.line;
}

// One lost line too many closes what was open, as the capture's end does; what is seen next begins anew.
bool EventTracker::pass_over(const MaskedLine &line) {
    if (!line.lost) {
        first_line_ = first_line_ == none || lost_ > most_lost_lines ? line.line : first_line_;
        last_line_ = line.line;
        return false;
    }
    return ++lost_ <= most_lost_lines;
}

void EventTracker::add_line(const MaskedLine &line) {
    arrived_ = line.arrived;
    if (pass_over(line)) {
        return;
    }
    ++stamp_;
    find_runs(line);
    uint32_t from = 0;
    for (uint32_t i = 0; i < now_count_; ++i) {
        connect(&now_[i], &from, line.line);
        measure(now_[i], line);
    }
    for (uint32_t i = 0; i < now_count_; ++i) {
        now_[i].component = root(now_[i].component);
        components_[now_[i].component].touched = stamp_;
    }
    close_untouched(line.samples, line.lost);
    keep_runs();
    lost_ = line.lost ? lost_ : 0;
}

void EventTracker::finish(uint32_t line_count, uint32_t samples) {
    if (line_count == 0) {
        return;
    }
    ++stamp_;
    now_count_ = 0;
    arrived_ = line_count - 1;
    close_untouched(samples, true);
    keep_runs();
}

// Components of the line before that this line did not reach are complete.
void EventTracker::close_untouched(uint32_t samples, bool at_end) {
    for (uint32_t i = 0; i < before_count_; ++i) {
        const uint32_t index = root(before_[i].component);
        Component &component = components_[index];
        if (component.touched == stamp_) {
            continue;
        }
        component.touched = stamp_;
        const bool sides = component.first_sample == 0 || component.last_sample + 1 == samples;
        const bool ends = component.first_line == first_line_ || (at_end && component.last_line == last_line_);
        accept(component, sides || ends);
        joined_[joined_count_++] = index;
    }
}

void EventTracker::accept(const Component &c, bool edge) {
    if (c.area < rules_.min_pixels || c.confidence < rules_.peak_probability) {
        return;
    }
    ++accepted_;
    const uint32_t id = next_id_++;
    if (queued_ == queue_capacity_) {
        ++dropped_;
        return;
    }
    const double area = static_cast<double>(c.area);
    onb_event event{};
    event.struct_size = sizeof event;
    event.event_id = id;
    event.first_line = c.first_line;
    event.last_line = c.last_line;
    event.first_sample = c.first_sample;
    event.last_sample = c.last_sample;
    event.area_pixels = c.area;
    event.peak_line = c.peak_line;
    event.peak_sample = c.peak_sample;
    event.detected_at_line = arrived_;
    event.touches_edge = edge ? 1 : 0;
    event.peak_enhancement = c.peak;
    event.mean_enhancement = static_cast<float>(c.sum / area);
    event.confidence = c.confidence;
    event.centroid_line = c.sum_lines / area;
    event.centroid_sample = c.sum_samples / area;
    event.ime_kg = c.sum * rules_.pixel_area_m2 * kg_per_ppm_m_m2;
    queue_[(queue_head_ + queued_) % queue_capacity_] = event;
    ++queued_;
}

// The line's runs become those of the line before; what was joined or closed can be used again.
void EventTracker::keep_runs() {
    while (joined_count_ > 0) {
        free_[free_count_++] = joined_[--joined_count_];
    }
    Run *const spare = before_;
    before_ = now_;
    now_ = spare;
    before_count_ = now_count_;
    now_count_ = 0;
}

bool EventTracker::poll(onb_event *event) {
    if (queued_ == 0) {
        return false;
    }
    *event = queue_[queue_head_];
    queue_head_ = (queue_head_ + 1) % queue_capacity_;
    --queued_;
    return true;
}

} // namespace onb
