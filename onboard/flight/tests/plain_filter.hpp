// The matched filter by classes of ground in plain double precision, as its definition says it: for tests.
#pragma once

#include "filter_steps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

struct PlainFilter {
    using Values = std::vector<double>;
    struct Ground {
        Values scatter, sum, kept_sum; // [bands][bands], [bands], [bands]
        double count, kept_count;
    };
    struct State {
        Values mean, weight; // [samples][bands], [samples]
        std::vector<Ground> grounds;
        double count;
    };
    struct Pixel {
        size_t column;
        uint32_t ground;
        bool valid, chosen, kept;
        double brightness;
        Values log;
    };
    struct Filter {
        Values weights;
        double offset, per_square, per_one;
        onb::Response response;
    };

    const onb::Plan &plan;
    const onb::GasTables &gas;
    size_t samples, bands;
    State state;
    std::vector<Pixel> pixels;
    Values used, alpha, sigma; // [samples][bands], [pixels], [pixels]
    std::vector<Filter> filters;

    PlainFilter(const onb::Session &s)
        : plan(s.plan), gas(s.constants.gas), samples(s.samples), bands(s.plan.mf_bands), state{}, pixels{}, used{},
          alpha{}, sigma{}, filters{} {
        const Ground none = {Values(bands * bands), Values(bands), Values(bands), 0.0, 0.0};
        state = {Values(samples * bands), Values(samples), std::vector<Ground>(plan.ground_classes, none), 0.0};
    }

    // Takes the batch's pixels from where a session holds them.
    void take(const onb::Session &s, const onb::Batch &batch) {
        pixels.clear();
        for (size_t i = 0; i < batch.lines * samples; ++i) {
            const uint64_t line = batch.first_line + i / samples;
            const size_t column = i % samples;
            const size_t at = s.plane(batch.first_row) + i;
            const bool valid = !onb::invalid(s.window.quality[at]);
            Pixel pixel = {column, s.classes_of(line)[column], valid,
                           (line + column) % plan.covariance_stride == 0, valid,
                           static_cast<double>(s.window.brightness[at]), Values(bands)};
            for (size_t k = 0; k < bands; ++k) {
                pixel.log[k] = s.counts_of(line)[column * s.filter_pitch + k] / 4096.0;
            }
            pixels.push_back(pixel);
        }
    }

    State with_means() {
        State next = state;
        Values overall(bands);
        double weights = 0.0;
        for (size_t c = 0; c < samples; ++c) {
            next.weight[c] = std::min(state.weight[c], static_cast<double>(plan.memory_lines));
            for (size_t k = 0; k < bands; ++k) {
                next.mean[c * bands + k] *= next.weight[c];
            }
        }
        for (const Pixel &pixel : pixels) {
            next.weight[pixel.column] += pixel.kept ? 1.0 : 0.0;
            for (size_t k = 0; k < bands; ++k) {
                next.mean[pixel.column * bands + k] += pixel.kept ? pixel.log[k] : 0.0;
            }
        }
        for (size_t i = 0; i < samples * bands; ++i) {
            overall[i % bands] += next.mean[i];
            weights += i % bands == 0 ? next.weight[i / bands] : 0.0;
            next.mean[i] /= next.weight[i / bands];
        }
        used.assign(samples * bands, 0.0);
        for (size_t i = 0; i < samples * bands; ++i) {
            const double weight = next.weight[i / bands];
            const double kappa = static_cast<double>(plan.kappa);
            used[i] = (weight * next.mean[i] + kappa * overall[i % bands] / weights) / (weight + kappa);
        }
        return next;
    }

    void add(State *next, const Pixel &pixel) {
        Ground &ground = next->grounds[pixel.ground];
        const double kept = pixel.kept ? 1.0 : 0.0;
        Values d(bands);
        for (size_t k = 0; k < bands; ++k) {
            d[k] = pixel.log[k] - used[pixel.column * bands + k];
            ground.sum[k] += d[k];
            ground.kept_sum[k] += kept * d[k];
        }
        for (size_t i = 0; i < bands * bands; ++i) {
            ground.scatter[i] += d[i / bands] * d[i % bands];
        }
        ground.count += 1.0;
        ground.kept_count += kept;
        next->count += 1.0;
    }

    State updated() {
        State next = with_means();
        const double cap = static_cast<double>(plan.memory_lines) * static_cast<double>(samples) /
                           static_cast<double>(plan.covariance_stride);
        const double decay = next.count > cap ? cap / next.count : 1.0;
        next.count *= decay;
        for (Ground &ground : next.grounds) {
            for (Values *values : {&ground.scatter, &ground.sum, &ground.kept_sum}) {
                for (double &value : *values) {
                    value *= decay;
                }
            }
            ground.count *= decay;
            ground.kept_count *= decay;
        }
        for (const Pixel &pixel : pixels) {
            if (pixel.valid && pixel.chosen) {
                add(&next, pixel);
            }
        }
        return next;
    }

    // Gauss and Jordan's elimination.
    Values solved(Values a, Values b) const {
        for (size_t i = 0; i < bands; ++i) {
            for (size_t r = 0; r < bands; ++r) {
                const double factor = r == i ? 0.0 : a[r * bands + i] / a[i * bands + i];
                for (size_t j = 0; j < bands; ++j) {
                    a[r * bands + j] -= factor * a[i * bands + j];
                }
                b[r] -= factor * b[i];
            }
        }
        for (size_t i = 0; i < bands; ++i) {
            b[i] /= a[i * bands + i];
        }
        return b;
    }

    Filter solve(const State &next, uint32_t index) const {
        const Ground &ground = next.grounds[index];
        const double n = ground.count;
        const double width = static_cast<double>(bands);
        const double load = 2.0 * width / (width + n + std::min(500.0, next.count));
        Values mean(bands), system(bands * bands);
        for (size_t k = 0; k < bands; ++k) {
            mean[k] = ground.kept_sum[k] / (ground.kept_count + 50.0);
        }
        for (size_t e = 0; e < bands * bands; ++e) {
            const size_t i = e / bands;
            const size_t j = e % bands;
            double pooled = 0.0;
            for (const Ground &other : next.grounds) {
                pooled += other.scatter[e] / std::max(next.count, 1.0);
            }
            const double own = ground.scatter[e] - ground.sum[i] * mean[j] - mean[i] * ground.sum[j] +
                               n * mean[i] * mean[j];
            const double noise = i == j ? load * (gas.noise_one[i] + gas.noise_two[i]) + 1e-8 : 0.0;
            system[e] = (own + 500.0 * pooled) / (n + 500.0) + noise;
        }
        return normalised(solved(system, Values(gas.target, gas.target + bands)), mean);
    }

    Filter normalised(Values weights, const Values &mean) const {
        Filter filter = {weights, 0.0, 0.0, 0.0, {}};
        double norm = 0.0;
        for (size_t k = 0; k < bands; ++k) {
            norm += weights[k] * gas.target[k];
        }
        for (size_t k = 0; k < bands; ++k) {
            const double w = weights[k] / norm;
            filter.weights[k] = w;
            filter.offset += w * mean[k];
            filter.per_square += w * w * gas.noise_one[k];
            filter.per_one += w * w * gas.noise_two[k];
        }
        filter.response = onb::make_response(gas, filter.weights.data());
        return filter;
    }

    State pass() {
        State next = updated();
        filters.clear();
        for (uint32_t k = 0; k < plan.ground_classes; ++k) {
            filters.push_back(solve(next, k));
        }
        alpha.clear();
        for (const Pixel &pixel : pixels) {
            const Filter &filter = filters[pixel.ground];
            double linear = -filter.offset;
            for (size_t k = 0; k < bands; ++k) {
                linear += filter.weights[k] * (pixel.log[k] - used[pixel.column * bands + k]);
            }
            alpha.push_back(filter.response.enhancement(linear));
        }
        return next;
    }

    // By the class's own pixels where they are many, else by all.
    double limit_of(uint32_t ground, bool all) const {
        Values magnitudes;
        for (size_t i = 0; i < pixels.size(); ++i) {
            if (pixels[i].valid && pixels[i].chosen && (all || pixels[i].ground == ground)) {
                magnitudes.push_back(std::fabs(alpha[i]));
            }
        }
        if (!all && magnitudes.size() < 64) {
            return limit_of(ground, true);
        }
        std::sort(magnitudes.begin(), magnitudes.end());
        return static_cast<double>(plan.exclude_sigma) * 1.4826 * magnitudes[magnitudes.size() / 2];
    }

    void leave_out_plumes() {
        Values limits;
        for (uint32_t k = 0; k < plan.ground_classes; ++k) {
            limits.push_back(limit_of(k, false));
        }
        for (size_t i = 0; i < pixels.size(); ++i) {
            pixels[i].kept = pixels[i].valid && alpha[i] <= limits[pixels[i].ground];
        }
        if (plan.exclude_near > 0) {
            leave_out_surroundings(limits);
        }
    }

    // Pixel by pixel: is any sure plume within reach? Pixels lie line by line.
    bool near_plume(size_t i, const Values &limits) const {
        const auto apart = [](size_t a, size_t b) { return a > b ? a - b : b - a; };
        for (size_t j = 0; j < pixels.size(); ++j) {
            const bool sure = pixels[j].valid && alpha[j] > limits[pixels[j].ground] * 5.0 / 3.0;
            if (sure && apart(i / samples, j / samples) <= plan.exclude_near &&
                apart(i % samples, j % samples) <= plan.exclude_near) {
                return true;
            }
        }
        return false;
    }

    void leave_out_surroundings(const Values &limits) {
        std::vector<bool> stays;
        size_t valid = 0;
        size_t left = 0;
        for (size_t i = 0; i < pixels.size(); ++i) {
            stays.push_back(pixels[i].kept && !near_plume(i, limits));
            valid += pixels[i].valid ? 1 : 0;
            left += stays[i] ? 1 : 0;
        }
        for (size_t i = 0; i < pixels.size() && 4 * left >= valid; ++i) {
            pixels[i].kept = stays[i];
        }
    }

    double noise_of(const Pixel &pixel) const {
        const Filter &filter = filters[pixel.ground];
        return filter.per_square * std::exp(-2.0 * pixel.brightness) + filter.per_one * std::exp(-pixel.brightness);
    }

    // Squares about the mean less noise, of the kept pixels; and how many they are.
    double excess(double *count) const {
        double mean = 0.0;
        double sum = 0.0;
        *count = 0.0;
        for (int round = 0; round < 2; ++round) {
            for (size_t i = 0; i < pixels.size(); ++i) {
                if (!pixels[i].kept || !pixels[i].chosen) {
                    continue;
                }
                const double d = alpha[i] - mean;
                sum += round == 0 ? alpha[i] : d * d - noise_of(pixels[i]);
                *count += round == 0 ? 1.0 : 0.0;
            }
            mean = round == 0 ? sum / std::max(*count, 1.0) : mean;
            sum = round == 0 ? 0.0 : sum;
        }
        return sum;
    }

    void find_sigma() {
        double count = 0.0;
        const double whole = excess(&count);
        const double clutter = std::max(0.0, whole / count);
        sigma.clear();
        for (const Pixel &pixel : pixels) {
            sigma.push_back(std::sqrt(noise_of(pixel) + clutter));
        }
    }

    void judge(const onb::Session &s, const onb::Batch &batch) {
        take(s, batch);
        (void)pass();
        leave_out_plumes();
        state = pass();
        find_sigma();
    }
};
