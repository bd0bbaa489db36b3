// average, average_grad; csrc/cpu/pooling_average.cpp defines them. Blocks, grid and defines: pooling.cuh.
#include "pooling.cuh"

namespace kg {

KG_DEVICE A scale_of(const Window& w, int64_t z, int64_t y, int64_t x) {
  const int64_t n = length(taps_of(w, 0, z)) * length(taps_of(w, 1, y)) * length(taps_of(w, 2, x));
  return n > 0 ? A(1) / (A)n : A(0);
}
KG_KERNEL(average, Params, 256) {
  for (int64_t e = global_index(); e < p.batch * volume(p.w.count) * p.channels; e += global_size()) {
    const Pixel o = pixel(e, p.w.count, p.channels);
    A sum = 0;
    each_tap(p, o, [&](int64_t at, int64_t) { sum += widen(p.x[at]); });
    p.y[e] = narrow<T>(sum * scale_of(p.w, o.at[0], o.at[1], o.at[2]));
  }
}
KG_KERNEL(average_grad, Params, 256) {
  for (int64_t e = global_index(); e < p.batch * volume(p.w.size) * p.channels; e += global_size()) {
    const Pixel i = pixel(e, p.w.size, p.channels);
    A sum = 0;
    each_window(p, i, [&](int64_t z, int64_t y, int64_t x, int64_t) {
      sum += widen(p.x[offset(p.w.count, p.channels, i.n, z, y, x, i.c)]) * scale_of(p.w, z, y, x);
    });
    p.y[e] = narrow<T>(sum);
  }
}

}  // namespace kg
