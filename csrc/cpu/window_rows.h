// How kernels that slide windows walk over an array (batch, d0, d1, d2, channels): in tasks of rows, and within a pixel in vectors
// of channels.
#pragma once
#include <cstdint>

#include "parallel.h"
#include "vec.h"
#include "window_taps.h"

namespace KG_NS {

inline int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t chunks_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

// Row r of (batch, d0, d1): its parts.
struct RowIndex {
  int64_t n, z, y;
};
inline RowIndex row_index(int64_t r, const int64_t (&dims)[3]) {
  const int64_t y = r % dims[1], rest = r / dims[1];
  return {rest / dims[0], rest % dims[0], y};
}

// How the rows of one call are cut into tasks: by row, by runs of columns when rows are long, by channels when rows are few.
struct RowTasks {
  static constexpr int64_t kRun = 256, kTasks = 64, kLeastChannels = 8 * kLanes, kGrain = 1 << 15;
  int64_t rows, runs, parts = 1, part, width, channels, grain;
  RowTasks(int64_t row_count, int64_t row_width, int64_t channel_count, int64_t taps) {
    rows = row_count, width = row_width, channels = channel_count;
    runs = chunks_of(width, kRun);
    if (rows * runs < kTasks && channels >= 2 * kLeastChannels)
      parts = least_of(chunks_of(kTasks, rows * runs), channels / kLeastChannels);
    part = chunks_of(chunks_of(channels, parts), kLanes) * kLanes;
    parts = channels < part ? 1 : channels / part;
    const double cost = double(least_of(width, kRun)) * double(part / kLanes) * double(taps + 2);
    grain = static_cast<int64_t>(double(kGrain) / cost) + 1;
  }
  int64_t count() const { return rows * runs * parts; }
  // f(row, column begin, column end, channel begin, channel end) for the tasks [begin, end).
  template <class F> void each(int64_t begin, int64_t end, const F& f) const {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t row = t / parts / runs, from = t / parts % runs * kRun, p = t % parts;
      f(row, from, least_of(from + kRun, width), p * part, p + 1 == parts ? channels : (p + 1) * part);
    }
  }
};

// f(c) for vectors of L that cover channels [begin, end), at least L of them: the last two may overlap.
template <int L, class F> inline __attribute__((always_inline)) void each_vector(int64_t begin, int64_t end, const F& f) {
  for (int64_t c = begin;;) {
    f(c);
    if (c + L >= end) return;
    c = c + 2 * L <= end ? c + L : end - L;
  }
}

}  // namespace KG_NS
