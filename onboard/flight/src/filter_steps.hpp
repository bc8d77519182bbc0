// Steps of the matched filter within one event, shared by its source files.
#pragma once

#include "session.hpp"

#include <cmath>

namespace onb {

// Newly arrived lines, and the rows of the window that hold them.
struct Batch {
    uint64_t first_line;
    size_t first_row;
    size_t lines;
};

inline bool invalid(uint8_t quality) { return (quality & ONB_QUALITY_INVALID) != 0; }

// Marks in the window's `keep`: what goes into the covariance, and what goes into the means too.
constexpr uint8_t teaches = 1;
constexpr uint8_t in_means = 2;
// While plumes are left out: surely gas, a sure pixel near in its line, a sure pixel near.
constexpr uint8_t sure = 4;
constexpr uint8_t beside_sure = 8;
constexpr uint8_t near_sure = 16;

// Below this mean log radiance a pixel (water, deep shadow) is noise: it says nothing of gas.
constexpr float dark_limit = -2.75F;

// The covariance takes the samples first_chosen, first_chosen + stride, ... of a line.
inline size_t first_chosen(const Session &s, uint64_t line) {
    const uint64_t stride = s.plan.covariance_stride;
    return static_cast<size_t>((stride - line % stride) % stride);
}

// Statistics after the event, out of those before it and the batch: means of the pixels that `keep`
// marks for it, scatter of the chosen pixels that teach. Leaves the means that the filter subtracts in the
// scratch.
void update_statistics(Session *session, const Batch &batch);

// The part of it that holds for each class of ground: decays its sums; adds the batch to them, and to the
// pooled scatter, which is the sum of theirs.
void forget_classes(Session *session, double decay);
void add_class_scatter(Session *session, const Batch &batch);

// The filters of the classes that the batch has pixels of, out of the statistics after the event.
void solve_classes(Session *session, const Batch &batch);
// Makes filter k, w = Sigma^-1 t / (t^T Sigma^-1 t), of Sigma in the scratch's system; weights and response.
void make_filter(Session *session, uint32_t k);
constexpr double loading = 1e-8; // variance added to each band, so that a solve cannot fail

inline double noise_variance(const BandFilter &filter, float brightness) {
    const double inverse = std::exp(-static_cast<double>(brightness));
    return (filter.per_square * inverse + filter.per_one) * inverse;
}

// The limit of enhancement beyond which a pixel looks like a plume, by the magnitudes of others, which are
// reordered; count is above 0.
double robust_limit(const Session &session, float *magnitudes, size_t count);
// That of each class, by the pixels that were last added to the classes' sums; false if there is none.
bool limit_classes(Session *session, const Batch &batch);

// Takes the surroundings of sure plumes out of the means, unless hardly anything would be left.
void leave_out_surroundings(Session *session, const Batch &batch);

// Variance of the enhancement beyond the mean of its noise, over the kept pixels of the covariance.
double clutter_variance(const Session &session, const Batch &batch);

// Fills the window's channels for the body, and marks columns whose statistics are young.
void fill_channels(Session *session, const Batch &batch);

} // namespace onb
