// Images in another size; csrc/cpu/resample.cpp defines it: y[r, c] = sum_t sum_u wy[r, t] wx[c, u] x[sy[r] + t, sx[c] + u], rows first.
//
// x is (images, height, width, inner) of float or uint8; y float (images, out_height, out_width, inner). Starts that would lead outside are
// moved inside. Compiled with -fmad=false, and every sum runs as on the CPU: the same bits.
//   resample          both axes at once: each thread mixes the rows of the taps_x pixels that it needs
//   resample_rows     x -> row, float (images, out_height, width, inner), and
//   resample_columns  row -> y: fewer multiplications where there are many taps
// A thread makes KG_V values of a pixel; neighbouring threads neighbouring values. Block: 256 threads. Grid: a stride of all threads. No
// shared memory. Bytes at least: x and y once, row twice. Defines: KG_T float or uint8_t; KG_V 1 or 4, a divisor of inner; KG_INDEX.
#include "numeric.cuh"

namespace kg {

typedef KG_T T;
typedef KG_INDEX Index;
constexpr int V = KG_V;

struct Axis {
  const int32_t* start;
  const float* weights;
  int64_t n, taps;
};
struct Params {
  const T* x;
  float *row, *y;
  Axis down, across;
  int64_t images, inner, out_height, out_width;  // inner: in steps of V
};
typedef Pack<float, V> Values;

KG_DEVICE int64_t first_of(const Axis& a, int64_t k) {
  const int64_t s = a.start[k];
  return s < 0 ? 0 : (s < a.n - a.taps ? s : a.n - a.taps);
}
template <class S> KG_DEVICE Values values(const S* x) {
  const Pack<S, V> raw = *reinterpret_cast<const Pack<S, V>*>(x);
  Values v;
  KG_UNROLL
  for (int c = 0; c < V; ++c) v.at[c] = (float)raw.at[c];
  return v;
}
// The sum over `taps` values, `step` apart, times their weights.
template <class F> KG_DEVICE Values mix(const float* weights, int64_t taps, const F& value) {
  Values sum = value(0);
  KG_UNROLL
  for (int c = 0; c < V; ++c) sum.at[c] = sum.at[c] * weights[0];
  for (int64_t t = 1; t < taps; ++t) {
    const Values v = value(t);
    KG_UNROLL
    for (int c = 0; c < V; ++c) sum.at[c] = sum.at[c] + v.at[c] * weights[t];
  }
  return sum;
}

// Where element e of (images, out_height, width, inner) is.
struct Place {
  Index image, row, column, i;
};
KG_DEVICE Place place_of(const Params& p, Index e, Index width) {
  Place at;
  const Index pixel = e / (Index)p.inner, line = pixel / width;
  at.i = e - pixel * (Index)p.inner;
  at.column = pixel - line * width;
  at.image = line / (Index)p.out_height;
  at.row = line - at.image * (Index)p.out_height;
  return at;
}
// Column `column` of the rows of x that an output row sees, mixed.
KG_DEVICE Values mixed_row(const Params& p, const Place& at, int64_t column) {
  const int64_t line = p.across.n * p.inner * V;
  const T* x = p.x + (at.image * p.down.n + first_of(p.down, at.row)) * line + (column * p.inner + at.i) * V;
  return mix(p.down.weights + at.row * p.down.taps, p.down.taps, [&](int64_t t) { return values(x + t * line); });
}

KG_KERNEL(resample, Params, 256) {
  const Index count = (Index)(p.images * p.out_height * p.out_width * p.inner);
  for (Index e = (Index)global_index(); e < count; e += (Index)global_size()) {
    const Place at = place_of(p, e, (Index)p.out_width);
    const int64_t first = first_of(p.across, at.column);
    *reinterpret_cast<Values*>(p.y + (int64_t)e * V) = mix(p.across.weights + at.column * p.across.taps, p.across.taps,
                                                           [&](int64_t t) { return mixed_row(p, at, first + t); });
  }
}

KG_KERNEL(resample_rows, Params, 256) {
  const Index count = (Index)(p.images * p.out_height * p.across.n * p.inner);
  for (Index e = (Index)global_index(); e < count; e += (Index)global_size()) {
    const Place at = place_of(p, e, (Index)p.across.n);
    *reinterpret_cast<Values*>(p.row + (int64_t)e * V) = mixed_row(p, at, at.column);
  }
}

KG_KERNEL(resample_columns, Params, 256) {
  const Index count = (Index)(p.images * p.out_height * p.out_width * p.inner);
  for (Index e = (Index)global_index(); e < count; e += (Index)global_size()) {
    const Place at = place_of(p, e, (Index)p.out_width);
    const int64_t pixel = p.inner * V, line = at.image * p.out_height + at.row;
    const float* row = p.row + (line * p.across.n + first_of(p.across, at.column)) * pixel + at.i * V;
    *reinterpret_cast<Values*>(p.y + (int64_t)e * V) =
        mix(p.across.weights + at.column * p.across.taps, p.across.taps, [&](int64_t t) { return values(row + t * pixel); });
  }
}

}  // namespace kg
