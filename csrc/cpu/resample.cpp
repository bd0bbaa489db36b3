// Images in another size: y[r, c] = sum_t sum_u wy[r, t] wx[c, u] x[sy[r] + t, sx[c] + u], the two axes one after the other.
//
// resample  in: x float32 or uint8 (images, height, width, inner); sy int32 (out_height), wy float32 (out_height, taps_y);
//           sx int32 (out_width), wx float32 (out_width, taps_x).   out: y float32 (images, out_height, out_width, inner)
//           ints: images, height, width, inner, out_height, out_width, taps_y, taps_x
//
// Planes of images with channels first count as images with inner 1. taps_y <= height and taps_x <= width; a start that would
// lead outside is moved inside. An output row is made of one mixed input row, in scratch memory, whose loops vectorize, and then
// of the pixels in it. Threads take fixed ranges of output rows.
#include <algorithm>
#include <cstdint>
#include <memory>

#include "kernel.h"
#include "parallel.h"
#include "pool.h"

namespace KG_NS {
namespace {

constexpr int64_t kGrain = 1 << 15;  // multiplications of one task
constexpr int64_t kTasks = 128;      // at most, each with a row of scratch memory

struct Sizes {
  int64_t images, height, width, inner, out_height, out_width, taps_y, taps_x;
};

struct Axis {
  const int32_t* start;
  const float* weights;
  int64_t n, taps;
  int64_t at(int64_t k) const { return std::min<int64_t>(std::max<int64_t>(start[k], 0), n - taps); }
};

// row[i] = sum_t weights[t] x[t, i] over `count` columns.
template <class T> void mix_rows(const T* x, const float* weights, int64_t taps, int64_t count, float* row) {
  const float first = weights[0];
  if (taps == 1 && first == 1.0f) {
    for (int64_t i = 0; i < count; ++i) row[i] = static_cast<float>(x[i]);
    return;
  }
  if (taps >= 2) {
    const float second = weights[1];
    const T* next = x + count;
    for (int64_t i = 0; i < count; ++i) row[i] = static_cast<float>(x[i]) * first + static_cast<float>(next[i]) * second;
  } else {
    for (int64_t i = 0; i < count; ++i) row[i] = static_cast<float>(x[i]) * first;
  }
  for (int64_t t = 2; t < taps; ++t) {
    const T* from = x + t * count;
    const float weight = weights[t];
    for (int64_t i = 0; i < count; ++i) row[i] += static_cast<float>(from[i]) * weight;
  }
}

// One output row from a mixed row; `fixed` is the number of values of a pixel if it is known at compile time.
template <int fixed> void mix_pixels(const float* row, const Axis& axis, int64_t out_width, int64_t inner, float* y) {
  const int64_t n = fixed > 0 ? fixed : inner;
  for (int64_t c = 0; c < out_width; ++c, y += n) {
    const float *from = row + axis.at(c) * n, *weights = axis.weights + c * axis.taps;
    for (int64_t i = 0; i < n; ++i) y[i] = from[i] * weights[0];
    for (int64_t t = 1; t < axis.taps; ++t) {
      for (int64_t i = 0; i < n; ++i) y[i] += from[t * n + i] * weights[t];
    }
  }
}

template <class T, int fixed> void resample_rows(const Sizes& s, const T* x, const Axis& down, const Axis& across, float* y) {
  const int64_t count = s.width * s.inner;
  const int64_t work = std::max<int64_t>(1, count * s.taps_y + s.out_width * s.inner * s.taps_x);
  const int64_t rows = s.images * s.out_height;
  const int64_t grain = std::max((rows + kTasks - 1) / kTasks, std::max<int64_t>(1, kGrain / work));
  const int64_t tasks = (rows + grain - 1) / grain;
  const std::unique_ptr<void, void (*)(void*)> scratch(pool_allocate(tasks * count * int64_t(sizeof(float))), pool_free);
  parallel_range(rows, grain, [&](int64_t begin, int64_t end) {
    float* row = static_cast<float*>(scratch.get()) + begin / grain * count;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t image = k / s.out_height, r = k % s.out_height;
      mix_rows(x + (image * s.height + down.at(r)) * count, down.weights + r * down.taps, down.taps, count, row);
      mix_pixels<fixed>(row, across, s.out_width, s.inner, y + k * s.out_width * s.inner);
    }
  });
}

template <class T> void resample_as(const Sizes& s, const T* x, const Axis& down, const Axis& across, float* y) {
  if (s.inner == 1) return resample_rows<T, 1>(s, x, down, across, y);
  if (s.inner == 3) return resample_rows<T, 3>(s, x, down, across, y);
  resample_rows<T, 0>(s, x, down, across, y);
}

KG_INTS(ResampleInts, images, height, width, inner, out_height, out_width, taps_y, taps_x);

}  // namespace

void resample(const Call& call) {
  expect(call, 5, 1, 8, 0);
  const auto p = ints<ResampleInts>(call);
  const Sizes s{p.images, p.height, p.width, p.inner, p.out_height, p.out_width, p.taps_y, p.taps_x};
  int64_t in = s.images, out = s.images;
  for (int64_t n : {s.height, s.width, s.inner}) in = checked_mul(call, in, n);
  for (int64_t n : {s.out_height, s.out_width, s.inner}) out = checked_mul(call, out, n);
  const Axis down{input<int32_t>(call, 1, s.out_height), input<float>(call, 2, checked_mul(call, s.out_height, s.taps_y)),
                  s.height, s.taps_y};
  const Axis across{input<int32_t>(call, 3, s.out_width), input<float>(call, 4, checked_mul(call, s.out_width, s.taps_x)),
                    s.width, s.taps_x};
  if (s.taps_y < 1 || s.taps_y > s.height) fail(call, "taps of rows", s.taps_y, s.height);
  if (s.taps_x < 1 || s.taps_x > s.width) fail(call, "taps of columns", s.taps_x, s.width);
  float* y = output<float>(call, 0, out);
  if (out == 0) return;
  if (call.in[0].dtype == kU8) return resample_as(s, input<uint8_t>(call, 0, in), down, across, y);
  resample_as(s, input<float>(call, 0, in), down, across, y);
}

}  // namespace KG_NS

KG_REGISTER(resample, ResampleInts::names);
