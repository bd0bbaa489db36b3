// Images read between their pixels; csrc/cpu/sample.cpp defines sample_map and sample_grid, their maps, orders and modes.
//
// x is float (images, planes, height, width, inner), y the same with out_height and out_width. A thread makes KG_V values of a pixel of the
// result: it finds the pixel's place, then reads one pixel of x (order 0) or four (order 1). Neighbouring threads have neighbouring
// values. Compiled with -fmad=false, and everything is computed as on the CPU: the same bits.
// Block: 256 threads. Grid: a stride of all threads. No shared memory. Bytes at least: the part of x that is seen, and y.
// Defines: KG_V 1 or 4, a divisor of inner; KG_INDEX the type of the number of an element; KG_ORDER.
#include "numeric.cuh"

namespace kg {

typedef KG_INDEX Index;
constexpr int V = KG_V;
enum Mode { kFill, kNearest, kWrap, kMirror, kReflect };

struct Params {
  const float *x, *places, *columns;  // places: maps, or rows
  float* y;
  int64_t images, planes, height, width, inner, out_height, out_width;  // inner: in steps of V
  int64_t maps;
  int32_t mode, projective;
  float fill;
};
typedef Pack<float, V> Values;

KG_DEVICE int64_t modulo(int64_t k, int64_t n) { return (k % n + n) % n; }

// An index outside [0, n) moved inside, or -1 where the fill value is meant.
KG_DEVICE int64_t inside(int64_t k, int64_t n, int mode) {
  if (k >= 0 && k < n) return k;
  if (mode == kNearest) return k < 0 ? 0 : n - 1;
  if (mode == kWrap) return modulo(k, n);
  if (mode == kMirror) {
    if (n == 1) return 0;
    const int64_t far = modulo(k + n - 1, 2 * (n - 1)) - (n - 1);
    return far < 0 ? -far : far;
  }
  if (mode == kReflect) {
    const int64_t far = modulo(k, 2 * n);
    return far < n ? far : 2 * n - 1 - far;
  }
  return -1;
}

// A number that fits in an int32 whatever the place is; NaN becomes the lowest.
KG_DEVICE float bounded(float place) {
  const float low = place > -1e9f ? place : -1e9f;
  return low < 1e9f ? low : 1e9f;
}
KG_DEVICE int64_t rounded(float place) {  // halves away from 0
  const float x = bounded(place);
  return (int64_t)(x < 0 ? ::ceilf(x - 0.5f) : ::floorf(x + 0.5f));
}

struct Source {
  const Params& p;
  const float* image;  // of a plane, at the thread's values of a pixel
  KG_DEVICE Values at(int64_t row, int64_t column) const {
    return *reinterpret_cast<const Values*>(image + (row * p.width + column) * p.inner * V);
  }
  KG_DEVICE Values fill() const {
    Values v;
    KG_UNROLL
    for (int c = 0; c < V; ++c) v.at[c] = p.fill;
    return v;
  }
  KG_DEVICE Values moved(int64_t row, int64_t column) const {
    const int64_t r = inside(row, p.height, p.mode), c = inside(column, p.width, p.mode);
    return r < 0 || c < 0 ? fill() : at(r, c);
  }

  KG_DEVICE Values nearest(float v, float u) const { return moved(rounded(v), rounded(u)); }

  KG_DEVICE Values bilinear(float v, float u) const {
    const float y = bounded(v), x = bounded(u), above = ::floorf(y), before = ::floorf(x);
    const int64_t r = (int64_t)above, c = (int64_t)before;
    const float down = y - above, right = x - before, up = 1 - down, left = 1 - right;
    if (p.mode == kFill && (r < -1 || r >= p.height || c < -1 || c >= p.width)) return fill();
    const float weights[4] = {up * left, up * right, down * left, down * right};
    Values corner[4];
    if (r >= 0 && r + 1 < p.height && c >= 0 && c + 1 < p.width) {
      KG_UNROLL
      for (int k = 0; k < 4; ++k) corner[k] = at(r + k / 2, c + k % 2);
    } else {
      KG_UNROLL
      for (int k = 0; k < 4; ++k) corner[k] = moved(r + k / 2, c + k % 2);
    }
    Values sum;
    KG_UNROLL
    for (int i = 0; i < V; ++i)
      sum.at[i] = ((corner[0].at[i] * weights[0] + corner[1].at[i] * weights[1]) + corner[2].at[i] * weights[2]) +
                  corner[3].at[i] * weights[3];
    return sum;
  }
};

// place(image, row, column, v, u): the row and column of x that this pixel of the result shows.
template <class F> KG_DEVICE void sample(const Params& p, const F& place) {
  const Index count = (Index)(p.images * p.planes * p.out_height * p.out_width * p.inner);
  const Index inner = (Index)p.inner, width = (Index)p.out_width, height = (Index)p.out_height, planes = (Index)p.planes;
  for (Index e = (Index)global_index(); e < count; e += (Index)global_size()) {
    const Index pixel = e / inner, i = e - pixel * inner, line = pixel / width, column = pixel - line * width;
    const Index plane = line / height, row = line - plane * height;
    float v, u;
    place(plane / planes, row, column, v, u);
    const Source source{p, p.x + (plane * p.height * p.width * p.inner + i) * V};
    *reinterpret_cast<Values*>(p.y + (int64_t)e * V) = KG_ORDER == 0 ? source.nearest(v, u) : source.bilinear(v, u);
  }
}

KG_KERNEL(sample_map, Params, 256) {
  sample(p, [&](int64_t image, Index row, Index column, float& v, float& u) {
    const float* m = p.places + (p.maps == 1 ? 0 : image * 8);
    const float c = (float)column, r = (float)row;
    u = (m[0] * c + m[1] * r) + m[2];
    v = (m[3] * c + m[4] * r) + m[5];
    if (!p.projective) return;
    const float depth = (m[6] * c + m[7] * r) + 1;
    u /= depth;
    v /= depth;
  });
}

KG_KERNEL(sample_grid, Params, 256) {
  sample(p, [&](int64_t image, Index row, Index column, float& v, float& u) {
    const int64_t at = ((p.maps == 1 ? 0 : image) * p.out_height + row) * p.out_width + column;
    v = p.places[at];
    u = p.columns[at];
  });
}

}  // namespace kg
