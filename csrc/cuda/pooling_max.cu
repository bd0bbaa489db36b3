// maximum (with or without the tap of the maximum), maximum_grad, maximum_take; csrc/cpu/pooling_max.cpp defines them.
//
// Blocks and grid: pooling.cuh. Defines: those of pooling.cuh; KG_PART 0 for the maximum alone, of any dtype, 1 for what has taps.
#include "pooling.cuh"

namespace kg {

#if KG_PART == 0

template <class T> KG_DEVICE T smallest() {
  if constexpr (is_float<T>)
    return convert<T>(-infinity());
  else
    return is_signed<T> ? (T)((uint64_t)1 << (8 * sizeof(T) - 1)) : T(0);
}
KG_KERNEL(maximum, Params, 256) {
  for (int64_t e = global_index(); e < p.batch * volume(p.w.count) * p.channels; e += global_size()) {
    A best = widen(smallest<T>());
    each_tap(p, pixel(e, p.w.count, p.channels), [&](int64_t at, int64_t) {
      const A v = widen(p.x[at]);
      best = v != v ? v : (v > best ? v : best);
    });
    p.y[e] = narrow<T>(best);
  }
}

#else

KG_KERNEL(maximum_arg, Params, 256) {
  for (int64_t e = global_index(); e < p.batch * volume(p.w.count) * p.channels; e += global_size()) {
    A best = (A)-infinity();
    int64_t tap = -1;
    each_tap(p, pixel(e, p.w.count, p.channels), [&](int64_t at, int64_t t) {
      const A v = widen(p.x[at]);
      if (tap < 0) tap = t;
      if (!(v <= best) && best == best) {
        best = v;
        tap = t;
      }
    });
    p.y[e] = narrow<T>(best);
    p.arg[e] = (I)(tap < 0 ? 0 : tap);
  }
}
KG_KERNEL(maximum_grad, Params, 256) {
  for (int64_t e = global_index(); e < p.batch * volume(p.w.size) * p.channels; e += global_size()) {
    const Pixel i = pixel(e, p.w.size, p.channels);
    A sum = 0;
    each_window(p, i, [&](int64_t z, int64_t y, int64_t x, int64_t tap) {
      const int64_t at = offset(p.w.count, p.channels, i.n, z, y, x, i.c);
      if ((int64_t)p.arg_in[at] == tap) sum += widen(p.x[at]);
    });
    p.y[e] = narrow<T>(sum);
  }
}
KG_KERNEL(maximum_take, Params, 256) {
  for (int64_t e = global_index(); e < p.batch * volume(p.w.count) * p.channels; e += global_size()) {
    A value = 0;
    const int64_t wanted = (int64_t)p.arg_in[e];
    each_tap(p, pixel(e, p.w.count, p.channels), [&](int64_t at, int64_t tap) {
      if (tap == wanted) value = widen(p.x[at]);
    });
    p.y[e] = narrow<T>(value);
  }
}

#endif

}  // namespace kg
