// Plumes as 8-connected components of the mask, followed line by line in fixed tables. Lines that lost every
// pixel say nothing, so a plume goes on behind a few of them.
#pragma once

#include "arena.hpp"
#include "onboard.h"

namespace onb {

// A component that may still grow.
struct Component {
    uint32_t parent; // itself while it is a root
    uint32_t touched;
    uint32_t first_line, last_line, first_sample, last_sample;
    uint32_t area, peak_line, peak_sample;
    float peak, confidence;
    double sum, sum_lines, sum_samples;
};

struct Run {
    uint32_t first, last; // samples
    uint32_t component;
};

struct EventRules {
    uint32_t min_pixels;
    float peak_probability;
    double pixel_area_m2;
};

// One finished line of products.
struct MaskedLine {
    uint32_t line;
    uint32_t samples;
    uint32_t arrived; // newest line that has arrived
    bool lost;        // none of its pixels carries a product
    const uint8_t *mask;
    const float *probability;
    const float *enhancement;
};

class EventTracker {
  public:
    // Tables for lines of at most `samples`, and a queue; the same walk measures.
    void lay_out(Arena *arena, uint32_t samples, uint32_t queue);
    void reset(const EventRules &rules);

    void add_line(const MaskedLine &line);
    // The capture ends: nothing can grow any more.
    void finish(uint32_t line_count, uint32_t samples);

    bool poll(onb_event *event);
    bool queue_empty() const { return queued_ == 0; }
    uint64_t accepted() const { return accepted_; }
    uint64_t dropped() const { return dropped_; }

  private:
    uint32_t root(uint32_t component);
    uint32_t new_component(uint32_t line, uint32_t sample);
    uint32_t join(uint32_t a, uint32_t b);
    void find_runs(const MaskedLine &line);
    void connect(Run *run, uint32_t *from, uint32_t line);
    bool pass_over(const MaskedLine &line);
    void measure(const Run &run, const MaskedLine &line);
    void close_untouched(uint32_t samples, bool at_end);
    void accept(const Component &component, bool edge);
    void keep_runs();

    EventRules rules_;
    Component *components_;
    uint32_t *free_;   // stack of unused components
    uint32_t *joined_; // components that became part of another in this line
    Run *before_;
    Run *now_;
    onb_event *queue_;
    uint32_t capacity_; // components
    uint32_t free_count_;
    uint32_t joined_count_;
    uint32_t before_count_;
    uint32_t now_count_;
    uint32_t queue_capacity_;
    uint32_t queue_head_;
    uint32_t queued_;
    uint32_t next_id_;
    uint32_t stamp_;
    uint32_t lost_;       // lines passed over since the last that was seen
    uint32_t first_line_; // first line that was seen since the capture began or more were lost than a plume passes
    uint32_t last_line_;  // last one that was seen
    uint32_t arrived_;
    uint64_t accepted_;
    uint64_t dropped_;
};

} // namespace onb
