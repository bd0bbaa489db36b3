// Shared by the pooling kernels: the parameters of a call, vectors of any dtype, and the walk over pixels and the taps they meet.
#pragma once
#include <limits>

#include "numeric.h"
#include "softmax.h"
#include "window_rows.h"

namespace KG_NS {

constexpr int kPoolingInts = 2 + kWindowInts;

KG_INTS_AND_LISTS(PoolingInts, "window...", batch, channels);

struct Pooling {
  int64_t batch, channels;
  Window w;
  int64_t x_count, y_count;  // elements of input and output
};

// ints: batch, channels, the window.
inline Pooling read_pooling(const Call& call) {
  Pooling p;
  const auto given = ints<PoolingInts>(call);
  p.batch = given.batch, p.channels = given.channels;
  p.w = read_window(call, 2);
  const int64_t pixels = checked_mul(call, p.batch, p.channels);
  p.x_count = checked_mul(call, pixels, volume(p.w.size));
  p.y_count = checked_mul(call, pixels, volume(p.w.count));
  return p;
}

// Element<T> (softmax.h) for the float dtypes, and the same for integers.
template <class T, bool kFloat = is_float<T>> struct PoolLanes : Element<T> {
  using V = typename Element<T>::V;
  static V load_part(const T* p, int64_t n) { return Element<T>::load_n(p, n, 0); }
  static V lowest() { return Element<T>::all(-std::numeric_limits<typename Element<T>::A>::infinity()); }
};
template <class T> struct PoolLanes<T, false> {
  typedef T V __attribute__((vector_size(kVecBytes)));
  static constexpr int kN = kVecBytes / int(sizeof(T));
  static V load(const T* p) { return KG_NS::load<V>(p); }
  static V load_part(const T* p, int64_t n) {
    V v = {};
    std::memcpy(&v, p, static_cast<size_t>(n) * sizeof(T));
    return v;
  }
  static void store(T* p, V v) { KG_NS::store(p, v); }
  static void store_n(T* p, V v, int64_t n) { std::memcpy(p, &v, static_cast<size_t>(n) * sizeof(T)); }
  static V lowest() { return V{} + std::numeric_limits<T>::min(); }
};

// The larger of v and best, NaN if either is. What waits for `best` is one instruction where there is one for the maximum.
template <class V> inline __attribute__((always_inline)) V larger(V v, V best) {
  const V m = v > best ? v : best;
  return v == v ? m : v;
}
#if defined(__AVX512F__)
template <> inline __attribute__((always_inline)) vf larger(vf v, vf best) {
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  return _mm512_mask_mov_ps(_mm512_maskz_max_ps(0xffff, v, best), nan, v);  // the maximum is `best` if either is NaN
}
#elif defined(__AVX2__)
template <> inline __attribute__((always_inline)) vf larger(vf v, vf best) {
  return _mm256_blendv_ps(_mm256_max_ps(v, best), v, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}
#endif

// Unsigned lanes made wider: doubling step by step, as compilers convert over more than one step lane by lane.
template <class V, class N> inline __attribute__((always_inline)) V widened(N v) {
  if constexpr (sizeof(N) == sizeof(V)) {
    return (V)v;
  } else {
    using Lane = typename std::remove_reference<decltype(v[0])>::type;
    using Next = typename std::conditional<sizeof(Lane) == 1, uint16_t,
                                           typename std::conditional<sizeof(Lane) == 2, uint32_t, int64_t>::type>::type;
    typedef Next Wide __attribute__((vector_size(sizeof(N) * 2)));
    return widened<V>(__builtin_convertvector(v, Wide));
  }
}
#if defined(__AVX512F__)
typedef uint8_t TapBytes __attribute__((vector_size(16)));
template <> inline __attribute__((always_inline)) vi widened<vi>(TapBytes v) {
  return (vi)_mm512_maskz_cvtepu8_epi32(0xffff, (__m128i)v);
}
#elif defined(__AVX2__)
typedef uint8_t TapBytes __attribute__((vector_size(8)));
template <> inline __attribute__((always_inline)) vi widened<vi>(TapBytes v) {
  int64_t bits;
  std::memcpy(&bits, &v, 8);
  return (vi)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bits));
}
#endif

// Lane numbers of tap indices: integers as wide as the lanes of T, stored as I (uint8 or int32).
template <class T> struct TapLanes {
  static constexpr int kN = Element<T>::kN;
  using V = typename std::conditional<sizeof(typename Element<T>::A) == 8, vl, vi>::type;
  template <class I> using Narrow __attribute__((vector_size(kN * sizeof(I)))) = I;
  template <class I> static V load(const I* p) { return widened<V>(KG_NS::load<Narrow<I>>(p)); }
  template <class I> static V load_part(const I* p, int64_t n) {
    I whole[kN] = {};
    std::memcpy(whole, p, static_cast<size_t>(n) * sizeof(I));
    return load(whole);
  }
  template <class I> static void store(I* p, V v) { KG_NS::store(p, __builtin_convertvector(v, Narrow<I>)); }
  template <class I> static void store_n(I* p, V v, int64_t n) {
    I whole[kN];
    store(whole, v);
    std::memcpy(p, whole, static_cast<size_t>(n) * sizeof(I));
  }
};

// The elements of the other array that a pixel meets.
struct Seen {
  Taps z, y, x;
  int64_t start;               // offset of its image
  int64_t plane, line, pixel;  // elements from one position to the next in each dim
  int64_t kernel_y, kernel_x;

  int64_t count() const { return z.count * y.count * x.count; }
  int64_t first_tap() const { return (z.tap * kernel_y + y.tap) * kernel_x + x.tap; }
  // f(offset of channel 0, tap) for each, taps in rising order.
  template <class F> __attribute__((always_inline)) void each(const F& f) const {
    for (int64_t a = 0; a < z.count; ++a)
      for (int64_t b = 0; b < y.count; ++b) {
        int64_t at = start + (z.at + a * z.at_step) * plane + (y.at + b * y.at_step) * line + x.at * pixel;
        int64_t tap = ((z.tap + a * z.tap_step) * kernel_y + y.tap + b * y.tap_step) * kernel_x + x.tap;
        for (int64_t t = 0; t < x.count; ++t, at += x.at_step * pixel, tap += x.tap_step) f(at, tap);
      }
  }
};

// body (see each_pixel) for the channels [c_begin, c_end) of the pixel at offset `pixel`.
template <int L, class Body>
inline __attribute__((always_inline)) void pixel_vectors(const Seen& seen, int64_t pixel, int64_t c_begin, int64_t c_end,
                                                         const Body& body) {
  using std::integral_constant;
  int64_t c = c_begin;
  for (; c + 4 * L <= c_end; c += 4 * L) body(integral_constant<int, 4>{}, 0, seen, pixel + c, c);
  if (c + 2 * L <= c_end) {
    body(integral_constant<int, 2>{}, 0, seen, pixel + c, c);
    c += 2 * L;
  }
  if (c < c_end && c_end - c_begin >= L) {  // the last vector may overlap the one before it
    if (c + L < c_end) body(integral_constant<int, 1>{}, 0, seen, pixel + c, c);
    body(integral_constant<int, 1>{}, 0, seen, pixel + c_end - L, c_end - L);
  } else if (c < c_end) {
    body(integral_constant<int, 1>{}, c_end - c, seen, pixel + c, c);
  }
}

// For every pixel of the output (or, when kGrad, of the input) and every group of G vectors of L channels:
// body(G, part, seen, offset of the pixel's channel c, c). part: 0, or that only so many channels of one vector exist.
template <bool kGrad, int L, class Body> void each_pixel(const Pooling& p, const Body& body) {
  const Window& w = p.w;
  const auto& to = kGrad ? w.size : w.count;
  const auto& from = kGrad ? w.count : w.size;
  const auto taps = [&w](int dim, int64_t at) { return kGrad ? taps_of_input(w, dim, at) : taps_of_output(w, dim, at); };
  const double met = kGrad ? double(p.y_count) * double(volume(w.kernel)) / double(p.x_count) : double(volume(w.kernel));
  const RowTasks tasks(p.batch * to[0] * to[1], to[2], p.channels, static_cast<int64_t>(met < 1e6 ? met : 1e6));
  parallel_range(tasks.count(), tasks.grain, [&](int64_t first, int64_t last) {
    Taps columns[RowTasks::kRun];  // of the run of columns that begins at `known`
    int64_t known = -1;
    tasks.each(first, last, [&](int64_t row, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
      const RowIndex at = row_index(row, to);
      Seen seen;
      seen.z = taps(0, at.z), seen.y = taps(1, at.y);
      seen.pixel = p.channels, seen.line = from[2] * seen.pixel, seen.plane = from[1] * seen.line;
      seen.start = at.n * from[0] * seen.plane;
      seen.kernel_y = w.kernel[1], seen.kernel_x = w.kernel[2];
      if (known != begin)
        for (int64_t o = begin; o < end; ++o) columns[o - begin] = taps(2, o);
      known = begin;
      for (int64_t o = begin; o < end; ++o) {
        seen.x = columns[o - begin];
        const int64_t pixel = (row * to[2] + o) * p.channels;
        pixel_vectors<L>(seen, pixel, c_begin, c_end, body);
      }
    });
  });
}

// What each_pixel<true> does for the pixels [first, last) of the input, by the calling thread. columns: taps_of_input(w, 2, o) of all o.
template <int L, class Body>
void each_input_pixel(const Pooling& p, const Taps* columns, int64_t first, int64_t last, const Body& body) {
  const Window& w = p.w;
  Seen seen;
  seen.pixel = p.channels, seen.line = w.count[2] * seen.pixel, seen.plane = w.count[1] * seen.line;
  seen.kernel_y = w.kernel[1], seen.kernel_x = w.kernel[2];
  int64_t o = first % w.size[2];
  for (int64_t pixel = first; pixel < last; o = 0) {
    const RowIndex at = row_index(pixel / w.size[2], w.size);
    seen.z = taps_of_input(w, 0, at.z), seen.y = taps_of_input(w, 1, at.y);
    seen.start = at.n * w.count[0] * seen.plane;
    for (; o < w.size[2] && pixel < last; ++o, ++pixel) {
      seen.x = columns[o];
      pixel_vectors<L>(seen, pixel * p.channels, 0, p.channels, body);
    }
  }
}

}  // namespace KG_NS
