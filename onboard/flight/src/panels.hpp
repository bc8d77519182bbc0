// A wide swath is run in panels that overlap: the body's, and the denoiser's.
#pragma once

#include <cstddef>

namespace onb {

// Part of the swath that one run of a network sees, and the samples whose result it gives.
struct Panel {
    size_t start;
    size_t first, end; // samples of the swath
};

struct Panels {
    size_t samples; // of the swath
    size_t width;   // of the network
    size_t overlap; // that neighbours share at least; below width where samples is above it

    size_t count() const {
        return samples <= width ? 1 : 1 + (samples - width + step() - 1) / step();
    }
    // Neighbouring panels meet in the middle of what both see.
    Panel at(size_t index) const {
        const size_t begin = start(index);
        Panel panel = {begin, 0, samples};
        if (index > 0) {
            panel.first = (begin + start(index - 1) + width) / 2;
        }
        if (index + 1 < count()) {
            panel.end = (begin + start(index + 1) + width) / 2;
        }
        return panel;
    }

  private:
    size_t step() const { return width - overlap; }
    size_t start(size_t index) const {
        if (samples <= width) {
            return 0;
        }
        const size_t begin = index * step();
        return begin + width > samples ? samples - width : begin;
    }
};

} // namespace onb
