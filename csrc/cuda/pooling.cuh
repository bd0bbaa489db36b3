// Shared by the pooling kernels: the parameters of a launch, and the walk over pixels and the taps or windows they meet.
//
// Pooling is over 1 to 3 spatial dims of x (batch, d0, d1, d2, channels). The gradients gather: an element of gx looks at the windows
// that hold it, in the order of taps, so nothing is written twice and no atomic operation is needed. One element of the output a thread,
// 256 threads a block, a stride of the whole grid: neighbouring threads have neighbouring channels. No shared memory.
// Defines: KG_T the dtype, KG_I uint8_t or int32_t of the taps.
#pragma once
#include "reduce_ops.cuh"

#include "../common/window.h"

namespace kg {

typedef KG_T T;
typedef compute<T> A;
#ifdef KG_I
typedef KG_I I;
#else
typedef int32_t I;
#endif

struct Params {
  const T* x;
  const I* arg_in;
  T* y;
  I* arg;
  int64_t batch, channels;
  Window w;
};

KG_DEVICE int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// Taps first .. last of dim d that the window of output position o has inside x (last < first: none).
struct Range {
  int64_t first, last;
};
KG_DEVICE Range taps_of(const Window& w, int d, int64_t o) {
  const int64_t base = o * w.stride[d] - w.before[d];
  const int64_t first = -floor_div(base, w.dilation[d]), last = floor_div(w.size[d] - 1 - base, w.dilation[d]);
  return {first > 0 ? first : 0, last < w.kernel[d] - 1 ? last : w.kernel[d] - 1};
}
// Output positions whose window may hold input position i.
KG_DEVICE Range outputs_of(const Window& w, int d, int64_t i) {
  const int64_t at = i + w.before[d];
  const int64_t first = -floor_div((w.kernel[d] - 1) * w.dilation[d] - at, w.stride[d]), last = floor_div(at, w.stride[d]);
  return {first > 0 ? first : 0, last < w.count[d] - 1 ? last : w.count[d] - 1};
}
KG_DEVICE int64_t length(const Range& r) { return r.last >= r.first ? r.last - r.first + 1 : 0; }

struct Pixel {
  int64_t n, at[3], c;
};
KG_DEVICE Pixel pixel(int64_t e, const int64_t* dims, int64_t channels) {
  Pixel p;
  p.c = e % channels;
  e /= channels;
  for (int d = 2; d >= 0; --d) {
    p.at[d] = e % dims[d];
    e /= dims[d];
  }
  p.n = e;
  return p;
}
KG_DEVICE int64_t offset(const int64_t* dims, int64_t channels, int64_t n, int64_t z, int64_t y, int64_t x, int64_t c) {
  return (((n * dims[0] + z) * dims[1] + y) * dims[2] + x) * channels + c;
}

// f(offset in x, tap) for the taps of an output pixel, rising.
template <class F> KG_DEVICE void each_tap(const Params& p, const Pixel& o, const F& f) {
  const Window& w = p.w;
  const Range z = taps_of(w, 0, o.at[0]), y = taps_of(w, 1, o.at[1]), x = taps_of(w, 2, o.at[2]);
  for (int64_t a = z.first; a <= z.last; ++a)
    for (int64_t b = y.first; b <= y.last; ++b)
      for (int64_t t = x.first; t <= x.last; ++t)
        f(offset(w.size, p.channels, o.n, o.at[0] * w.stride[0] + a * w.dilation[0] - w.before[0],
                 o.at[1] * w.stride[1] + b * w.dilation[1] - w.before[1],
                 o.at[2] * w.stride[2] + t * w.dilation[2] - w.before[2], o.c),
          (a * w.kernel[1] + b) * w.kernel[2] + t);
}
// f(z, y, x of the output, tap) for the windows that hold an input pixel, taps rising: output positions falling.
template <class F> KG_DEVICE void each_window(const Params& p, const Pixel& i, const F& f) {
  const Window& w = p.w;
  const Range z = outputs_of(w, 0, i.at[0]), y = outputs_of(w, 1, i.at[1]), x = outputs_of(w, 2, i.at[2]);
  for (int64_t a = z.last; a >= z.first; --a) {
    const int64_t ta = i.at[0] + w.before[0] - a * w.stride[0];
    if (ta % w.dilation[0]) continue;
    for (int64_t b = y.last; b >= y.first; --b) {
      const int64_t tb = i.at[1] + w.before[1] - b * w.stride[1];
      if (tb % w.dilation[1]) continue;
      for (int64_t t = x.last; t >= x.first; --t) {
        const int64_t tt = i.at[2] + w.before[2] - t * w.stride[2];
        if (tt % w.dilation[2]) continue;
        f(a, b, t, (ta / w.dilation[0] * w.kernel[1] + tb / w.dilation[1]) * w.kernel[2] + tt / w.dilation[2]);
      }
    }
  }
}
KG_DEVICE int64_t volume(const int64_t* dims) { return dims[0] * dims[1] * dims[2]; }

}  // namespace kg
