// Which taps of a window meet the input in one dim: the loops of kernels that slide windows run over these alone, so that padding
// costs nothing and nothing outside an array is ever read.
#pragma once
#include "window.h"

namespace KG_NS {

// Taps tap, tap + tap_step, ... (count of them), which meet positions at, at + at_step, ... of the other array.
struct Taps {
  int64_t count, tap, tap_step, at, at_step;
};

inline int64_t ceil_div_positive(int64_t a, int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }

// The input positions that the window of output position o sees in dim d.
inline Taps taps_of_output(const Window& w, int d, int64_t o) {
  const int64_t first = o * w.stride[d] - w.before[d], step = w.dilation[d];
  if (first >= 0 && first + (w.kernel[d] - 1) * step < w.size[d]) return {w.kernel[d], 0, 1, first, step};
  const int64_t low = step == 1 ? (first < 0 ? -first : 0) : ceil_div_positive(-first, step);
  int64_t high = step == 1 ? w.size[d] - first : ceil_div_positive(w.size[d] - first, step);
  if (high > w.kernel[d]) high = w.kernel[d];
  if (high <= low) return {0, 0, 1, 0, step};
  return {high - low, low, 1, first + low * step, step};
}

inline int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b, b = r;
  }
  return a;
}

// The output positions whose windows see input position i in dim d, with the last output (lowest tap) first.
inline Taps taps_of_input(const Window& w, int d, int64_t i) {
  const int64_t s = w.stride[d], step = w.dilation[d], reach = i + w.before[d];
  // Output o = (reach - tap * step) / s must be whole and in [0, count).
  const int64_t period = step == 1 ? s : s / common_divisor(s, step);
  const int64_t too_high = reach - (w.count[d] - 1) * s;  // tap * step must be at least this
  int64_t tap = step == 1 ? (too_high > 0 ? too_high : 0) : ceil_div_positive(too_high, step);
  int64_t end = reach / step + 1;
  if (end > w.kernel[d]) end = w.kernel[d];
  if (w.count[d] < 1) end = 0;
  if (step == 1) {
    if (s > 1 && tap < end) tap += (reach - tap) % s;
  } else {
    for (int64_t tries = 0; tap < end && (reach - tap * step) % s != 0; ++tap)
      if (++tries == period) return {0, 0, 1, 0, 0};
  }
  if (tap >= end) return {0, 0, 1, 0, 0};
  return {(end - 1 - tap) / period + 1, tap, period, (reach - tap * step) / s, -(step * period / s)};
}

}  // namespace KG_NS
