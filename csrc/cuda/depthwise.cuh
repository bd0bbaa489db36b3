// What the depthwise kernels share: vectors of channels, where a position of one array meets the other, which item a thread has.
//
// Defines: KG_T a float dtype; KG_INDEX the type of positions: int32_t, or int64_t for windows beyond it; KG_V channels of a vector (up
// to 16 bytes); KG_W columns of a thread; KG_TAPS and KG_STRIDE: taps and stride of the last dim where elements of a line stay in
// registers while several columns use them (dilation 1), or KG_TAPS 0: any window.
#pragma once
#include "numeric.cuh"

#include "../common/window.h"

namespace kg {

typedef KG_T T;
typedef compute<T> A;
typedef KG_INDEX Index;
constexpr int V = KG_V, W = KG_W, K = KG_TAPS, S = KG_STRIDE;

KG_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
KG_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }

struct Vector {
  A at[V];
};
KG_DEVICE Vector zero() {
  Vector v;
  KG_UNROLL
  for (int c = 0; c < V; ++c) v.at[c] = 0;
  return v;
}
// As it lies in memory: waiting in registers, half types need half of them.
typedef Pack<T, V> Raw;
KG_DEVICE Raw load_raw(const T* x) { return *reinterpret_cast<const Raw*>(x); }
KG_DEVICE Raw load_raw(const T* x, bool inside) {
  if (inside) return load_raw(x);
  Raw raw;
  KG_UNROLL
  for (int c = 0; c < V; ++c) raw.at[c] = T{};
  return raw;
}
KG_DEVICE Vector wide(const Raw& raw) {
  Vector v;
  KG_UNROLL
  for (int c = 0; c < V; ++c) v.at[c] = widen(raw.at[c]);
  return v;
}
KG_DEVICE Vector load_vector(const T* x) { return wide(load_raw(x)); }
KG_DEVICE void store_vector(T* y, const Vector& v) {
  Pack<T, V> raw;
  KG_UNROLL
  for (int c = 0; c < V; ++c) raw.at[c] = narrow<T>(v.at[c]);
  *reinterpret_cast<Pack<T, V>*>(y) = raw;
}
KG_DEVICE void add_product(Vector& sum, const Vector& x, const Vector& w) {
  KG_UNROLL
  for (int c = 0; c < V; ++c) sum.at[c] = multiply_add(x.at[c], w.at[c], sum.at[c]);
}

// One dim of a window.
struct Dim {
  Index size, count, kernel, stride, dilation, before;
};
KG_DEVICE Dim dim(const Window& w, int d) {
  return {(Index)w.size[d],   (Index)w.count[d],    (Index)w.kernel[d],
          (Index)w.stride[d], (Index)w.dilation[d], (Index)w.before[d]};
}
// The input position that output position o sees at tap t; whether there is one.
KG_DEVICE bool input_of(const Dim& d, Index o, Index t, Index& i) {
  i = o * d.stride + t * d.dilation - d.before;
  return i >= 0 && i < d.size;
}
// The output position that sees input position i at tap t; whether there is one.
KG_DEVICE bool output_of(const Dim& d, Index i, Index t, Index& o) {
  o = i + d.before - t * d.dilation;
  if (o < 0) return false;
  if (d.stride != 1) {
    const Index q = o / d.stride;
    if (q * d.stride != o) return false;
    o = q;
  }
  return o < d.count;
}

}  // namespace kg
