// Images read between their pixels. x and y: float32 (images, planes, height, width, inner); channels last has planes 1 and
// inner = channels, channels first planes = channels and inner 1. All planes of an image are read at the same places.
//
// sample_map   in: x, map float32 (maps, 8), maps = 1 or images; out: y (images, planes, out_height, out_width, inner), whose
//              pixel (column c, row r) shows what is at column u = (a0 c + a1 r + a2) / d, row v = (b0 c + b1 r + b2) / d, with d = c0 c + c1 r + 1 and
//              map = [a0, a1, a2, b0, b1, b2, c0, c1].
//              ints: images, planes, height, width, inner, maps, order, mode, out_height, out_width, projective (0: d counts as 1)
//              floats: fill
// sample_grid  in: x, rows, columns float32 (maps, out_height, out_width); out: y (images, planes, out_height, out_width, inner).
//              ints: images, planes, height, width, inner, maps, order, mode, out_height, out_width.  floats: fill
//
// order 0: the nearest pixel, halves away from 0.  1: bilinear.
// mode, for places outside: 0 fill, 1 the nearest pixel, 2 wrap around, 3 mirror (the edge is not repeated), 4 reflect (it is).
//
// Each output row is made in chunks: first the places of its pixels, in loops that vectorize, then the pixels themselves, which
// are scattered reads. Threads take fixed ranges of output rows.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernel.h"
#include "parallel.h"

namespace KG_NS {
namespace {

enum Mode { kFill, kNearest, kWrap, kMirror, kReflect };
constexpr int kChunk = 64;
constexpr int64_t kPixelGrain = 1 << 12;  // output pixels of one task

struct Sizes {
  int64_t images, planes, height, width, inner, maps, order, mode, out_height, out_width;
  float fill;
};

// The places of up to kChunk pixels: the rows and columns before them, and how far they are on the way to the next.
struct Places {
  int32_t row[kChunk], column[kChunk];
  float down[kChunk], right[kChunk];
};

inline int64_t modulo(int64_t k, int64_t n) { return (k % n + n) % n; }

// An index outside [0, n) moved inside, or -1 where the fill value is meant. Division is left for places that are far out.
inline int64_t moved(int64_t k, int64_t n, int64_t mode) {
  switch (mode) {
    case kNearest: return k < 0 ? 0 : n - 1;
    case kWrap: {
      const int64_t near = k < 0 ? k + n : k - n;
      return near >= 0 && near < n ? near : modulo(k, n);
    }
    case kMirror: {
      const int64_t near = k < 0 ? -k : 2 * (n - 1) - k;
      if (near >= 0 && near < n) return near;
      return n > 1 ? std::abs(modulo(k + n - 1, 2 * (n - 1)) - (n - 1)) : 0;
    }
    case kReflect: {
      const int64_t near = k < 0 ? -1 - k : 2 * n - 1 - k;
      if (near >= 0 && near < n) return near;
      const int64_t far = modulo(k, 2 * n);
      return far < n ? far : 2 * n - 1 - far;
    }
    default: return -1;
  }
}

inline int64_t inside(int64_t k, int64_t n, int64_t mode) { return k >= 0 && k < n ? k : moved(k, n, mode); }

// A number that fits in an int32 whatever the place is; NaN becomes the lowest.
inline float bounded(float place) { return std::min(std::max(-1e9f, place), 1e9f); }

template <int order> void split(const float* place, int32_t* low, float* part, int count) {
  for (int k = 0; k < count; ++k) {
    const float x = bounded(place[k]);
    if (order == 0) {
      low[k] = static_cast<int32_t>(x < 0 ? std::ceil(x - 0.5f) : std::floor(x + 0.5f));
    } else {
      const float below = std::floor(x);
      low[k] = static_cast<int32_t>(below);
      part[k] = x - below;
    }
  }
}

// One pixel of `inner` values (known at compile time if > 0). row and column are of the image, after moving; -1: fill.
template <int fixed> struct Pixel {
  const Sizes s;  // a copy: what is written to y cannot change it
  const float* image;

  int64_t inner() const { return fixed > 0 ? fixed : s.inner; }
  const float* at(int64_t row, int64_t column) const { return image + (row * s.width + column) * inner(); }

  void nearest(const Places& p, int k, float* to) const {
    const int64_t row = inside(p.row[k], s.height, s.mode), column = inside(p.column[k], s.width, s.mode);
    if (row < 0 || column < 0) {
      for (int64_t i = 0; i < inner(); ++i) to[i] = s.fill;
      return;
    }
    const float* from = at(row, column);
    for (int64_t i = 0; i < inner(); ++i) to[i] = from[i];
  }

  void bilinear(const Places& p, int k, float* to) const {
    const int64_t r = p.row[k], c = p.column[k];
    const float down = p.down[k], right = p.right[k], up = 1 - down, left = 1 - right;
    const float w00 = up * left, w01 = up * right, w10 = down * left, w11 = down * right;
    if (s.mode == kFill && (r < -1 || r >= s.height || c < -1 || c >= s.width)) {
      for (int64_t i = 0; i < inner(); ++i) to[i] = s.fill;
      return;
    }
    if (r >= 0 && r + 1 < s.height && c >= 0 && c + 1 < s.width) {
      const float *top = at(r, c), *bottom = top + s.width * inner();
      const int64_t n = inner();
      for (int64_t i = 0; i < n; ++i) to[i] = ((top[i] * w00 + top[n + i] * w01) + bottom[i] * w10) + bottom[n + i] * w11;
      return;
    }
    const int64_t rows[2] = {inside(r, s.height, s.mode), inside(r + 1, s.height, s.mode)};
    const int64_t columns[2] = {inside(c, s.width, s.mode), inside(c + 1, s.width, s.mode)};
    const float weights[4] = {w00, w01, w10, w11};
    for (int corner = 0; corner < 4; ++corner) {
      const int64_t row = rows[corner / 2], column = columns[corner % 2];
      const float weight = weights[corner];
      if (row < 0 || column < 0) {
        const float value = s.fill * weight;
        for (int64_t i = 0; i < inner(); ++i) to[i] = corner == 0 ? value : to[i] + value;
      } else {
        const float* from = at(row, column);
        for (int64_t i = 0; i < inner(); ++i) to[i] = corner == 0 ? from[i] * weight : to[i] + from[i] * weight;
      }
    }
  }
};

// Asks for the memory of pixels that are read soon. Lines that cross rows are no pattern that the processor finds by itself.
template <int fixed> void prefetch(const Pixel<fixed>& pixel, const Places& p, int count) {
  for (int k = 0; k < count; ++k) {
    const int64_t row = std::min<int64_t>(std::max<int64_t>(p.row[k], 0), pixel.s.height - 1);
    const int64_t column = std::min<int64_t>(std::max<int64_t>(p.column[k], 0), pixel.s.width - 1);
    __builtin_prefetch(pixel.at(row, column));
  }
}

template <int order, int fixed>
void read_chunk(const Sizes& s, const Places& p, const float* x, float* y, int64_t image, int64_t row, int64_t first,
                int count) {
  for (int64_t plane = image * s.planes; plane < (image + 1) * s.planes; ++plane) {
    const Pixel<fixed> pixel{s, x + plane * s.height * s.width * s.inner};
    prefetch(pixel, p, count);
    float* to = y + ((plane * s.out_height + row) * s.out_width + first) * s.inner;
    for (int k = 0; k < count; ++k, to += pixel.inner()) {
      if (order == 0)
        pixel.nearest(p, k, to);
      else
        pixel.bilinear(p, k, to);
    }
  }
}

// place(image, row, first, count, v, u): the rows and columns where `count` pixels from column `first` on are read.
template <int order, int fixed, class F> void sample_rows(const Sizes& s, const float* x, float* y, const F& place) {
  const int64_t pixels = std::max<int64_t>(1, s.out_width * s.planes);
  parallel_range(s.images * s.out_height, std::max<int64_t>(1, kPixelGrain / pixels), [&](int64_t begin, int64_t end) {
    float u[kChunk], v[kChunk];
    Places p;
    for (int64_t r = begin; r < end; ++r) {
      const int64_t image = r / s.out_height, row = r % s.out_height;
      for (int64_t first = 0; first < s.out_width; first += kChunk) {
        const int count = static_cast<int>(std::min<int64_t>(kChunk, s.out_width - first));
        place(image, row, first, count, v, u);
        split<order>(v, p.row, p.down, count);
        split<order>(u, p.column, p.right, count);
        read_chunk<order, fixed>(s, p, x, y, image, row, first, count);
      }
    }
  });
}

template <int order, class F> void sample_inner(const Sizes& s, const float* x, float* y, const F& place) {
  if (s.inner == 1) return sample_rows<order, 1>(s, x, y, place);
  if (s.inner == 3) return sample_rows<order, 3>(s, x, y, place);
  sample_rows<order, 0>(s, x, y, place);
}

template <class F> void sample(const Call& call, const Sizes& s, const F& place) {
  int64_t in = s.planes, out = s.planes;
  for (int64_t n : {s.images, s.height, s.width, s.inner}) in = checked_mul(call, in, n);
  for (int64_t n : {s.images, s.out_height, s.out_width, s.inner}) out = checked_mul(call, out, n);
  if (s.order < 0 || s.order > 1) fail(call, "order", s.order, 1);
  if (s.mode < 0 || s.mode > kReflect) fail(call, "mode", s.mode, kReflect);
  if (s.maps != 1 && s.maps != s.images) fail(call, "number of maps", s.maps, s.images);
  if (out > 0 && in == 0) fail(call, "input elements", in, 1);
  // Rows and columns are int32.
  const int64_t longest = std::max({s.height, s.width, s.out_height, s.out_width});
  if (longest > 1000000000) fail(call, "height or width", longest, 1000000000);
  const float* x = input<float>(call, 0, in);
  float* y = output<float>(call, 0, out);
  if (out == 0) return;
  if (s.order == 0)
    sample_inner<0>(s, x, y, place);
  else
    sample_inner<1>(s, x, y, place);
}

KG_INTS(GridInts, images, planes, height, width, inner, maps, order, mode, out_height, out_width);
KG_INTS(MapInts, images, planes, height, width, inner, maps, order, mode, out_height, out_width, projective);
KG_FLOATS(SampleFloats, fill);

Sizes read_sizes(const Call& call) {
  const auto p = ints<GridInts>(call);  // of both kernels
  const float fill = static_cast<float>(floats<SampleFloats>(call).fill);
  return {p.images, p.planes, p.height, p.width, p.inner, p.maps, p.order, p.mode, p.out_height, p.out_width, fill};
}

}  // namespace

void sample_map(const Call& call) {
  expect(call, 2, 1, 11, 1);
  const Sizes s = read_sizes(call);
  const float* maps = input<float>(call, 1, checked_mul(call, s.maps, 8));
  const bool projective = ints<MapInts>(call).projective != 0;
  sample(call, s, [=](int64_t image, int64_t row, int64_t first, int count, float* v, float* u) {
    const float* m = maps + (s.maps == 1 ? 0 : image * 8);
    const float a0 = m[0], a1 = m[1], a2 = m[2], b0 = m[3], b1 = m[4], b2 = m[5], c0 = m[6], c1 = m[7];
    const float r = static_cast<float>(row);
    const int32_t start = static_cast<int32_t>(first);
    for (int k = 0; k < count; ++k) {
      const float c = static_cast<float>(start + k);
      u[k] = (a0 * c + a1 * r) + a2;
      v[k] = (b0 * c + b1 * r) + b2;
    }
    if (!projective) return;
    for (int k = 0; k < count; ++k) {
      const float depth = (c0 * static_cast<float>(start + k) + c1 * r) + 1;
      u[k] /= depth;
      v[k] /= depth;
    }
  });
}

void sample_grid(const Call& call) {
  expect(call, 3, 1, 10, 1);
  const Sizes s = read_sizes(call);
  const int64_t places = checked_mul(call, s.maps, checked_mul(call, s.out_height, s.out_width));
  const float *rows = input<float>(call, 1, places), *columns = input<float>(call, 2, places);
  sample(call, s, [=](int64_t image, int64_t row, int64_t first, int count, float* v, float* u) {
    const int64_t at = ((s.maps == 1 ? 0 : image) * s.out_height + row) * s.out_width + first;
    std::copy_n(rows + at, count, v);
    std::copy_n(columns + at, count, u);
  });
}

}  // namespace KG_NS

KG_REGISTER(sample_map, MapInts::names, SampleFloats::names);
KG_REGISTER(sample_grid, GridInts::names, SampleFloats::names);
