// Reading by index. Indices are int32 or int64; a negative one counts from the end. Nothing outside x is ever read.
//
// take             in: x (outer, n, inner), indices (count); out: y (outer, count, inner), y[o, c, :] = x[o, indices[c], :]
//                  ints: outer, n, inner, count, mode
// take_along_axis  in: x (outer, n, inner), indices (outer, count, inner); out: y of indices' shape,
//                  y[o, c, i] = x[o, indices[o, c, i], i].  ints: outer, n, inner, count, mode
// ravel_indices    in: indices (count, k); out: flat int64 (count), the row-major number of each k-tuple in a box of shape dims.
//                  ints: count, k, dims...   A tuple outside the box gives the smallest int64, which take and scatter reject.
//
// mode 0: an index outside gives NaN (floats) or 0.  1: it is clipped to the nearest end.  2: it wraps around.
// take and take_along_axis may have an int32 output 1: the number of indices outside, whatever the mode.
// x and y have the same dtype, any. Threads take fixed ranges of output rows.
#include "movement.h"
#include "numeric.h"

namespace KG_NS {
namespace {

enum Mode { kFill, kClip, kWrap };

// Maps an index to [0, n), or to -1 where it is outside and the mode is kFill.
template <int mode, class I> inline int64_t resolve(I index, int64_t n) {
  int64_t k = index;
  if (mode == kWrap) return n > 0 ? (k % n + n) % n : -1;
  if (k < 0 && k >= -n) k += n;
  if (k >= 0 && k < n) return k;
  if (mode == kFill || n == 0) return -1;
  return k < 0 ? 0 : n - 1;
}

template <class F> void by_mode(const Call& call, int64_t mode, const F& f) {
  switch (mode) {
    case kFill: return f(std::integral_constant<int, kFill>{});
    case kClip: return f(std::integral_constant<int, kClip>{});
    case kWrap: return f(std::integral_constant<int, kWrap>{});
    default: fail(call, "mode", mode, kWrap);
  }
}

// The bits that stand for "no value": a quiet NaN for floats, 0 for the rest.
uint64_t missing_bits(DType dtype) {
  switch (dtype) {
    case kF16: return 0x7e00;
    case kBF16: return 0x7fc0;
    case kF32: return 0x7fc00000;
    case kF64: return 0x7ff8000000000000;
    default: return 0;
  }
}

KG_INTS(TakeInts, outer, n, inner, count, mode);
KG_INTS_AND_LISTS(RavelInts, "dims...", count, ndim);

struct Sizes {
  int64_t outer, n, inner, count, mode, x_items, y_items;
};

Sizes read_sizes(const Call& call) {
  if (call.n_out < 1 || call.n_out > 2) fail(call, "number of outputs", call.n_out, 1);
  expect(call, 2, call.n_out, 5, 0);
  const auto p = ints<TakeInts>(call);
  Sizes s{p.outer, p.n, p.inner, p.count, p.mode, 0, 0};
  s.x_items = checked_mul(call, checked_mul(call, s.outer, s.n), s.inner);
  s.y_items = checked_mul(call, checked_mul(call, s.outer, s.count), s.inner);
  return s;
}

template <class I> void count_outside(const Call& call, const I* indices, int64_t count, int64_t n) {
  if (call.n_out < 2) return;
  int64_t bad = 0;
  for (int64_t k = 0; k < count; ++k) bad += int64_t(indices[k]) < -n || int64_t(indices[k]) >= n;
  *output<int32_t>(call, 1, 1) = static_cast<int32_t>(std::min<int64_t>(bad, std::numeric_limits<int32_t>::max()));
}

template <int mode, class W, class I>
void take_rows(const W* x, const I* indices, W* y, const Sizes& s, W missing) {
  const int64_t row = s.inner * int64_t(sizeof(W));
  parallel_range(s.outer * s.count, std::max<int64_t>(1, kCopyGrain / row / 2), [&](int64_t begin, int64_t end) {
    int64_t o = begin / s.count, c = begin % s.count;
    for (int64_t r = begin; r < end; ++r) {
      const int64_t k = resolve<mode>(indices[c], s.n);
      W* to = y + r * s.inner;
      const W* from = x + (o * s.n + k) * s.inner;
      if (s.inner == 1) {
        *to = k < 0 ? missing : *from;
      } else if (k < 0) {
        std::fill(to, to + s.inner, missing);
      } else {
        std::memcpy(to, from, static_cast<size_t>(row));
      }
      if (++c == s.count) c = 0, ++o;
    }
  });
}

template <int mode, class W, class I>
void take_along(const W* x, const I* indices, W* y, const Sizes& s, W missing) {
  parallel_range(s.outer * s.count, std::max<int64_t>(1, (1 << 14) / s.inner), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const W* from = x + r / s.count * s.n * s.inner;
      for (int64_t i = 0; i < s.inner; ++i) {
        const int64_t k = resolve<mode>(indices[r * s.inner + i], s.n);
        y[r * s.inner + i] = k < 0 ? missing : from[k * s.inner + i];
      }
    }
  });
}

}  // namespace

void take(const Call& call) {
  const Sizes s = read_sizes(call);
  const char* in = raw_input(call, 0, s.x_items);
  char* out = raw_output(call, 0, s.y_items);
  by_index(call, 1, s.count, [&](auto indices) {
    count_outside(call, indices, s.count, s.n);
    by_mode(call, s.mode, [&](auto mode) {
      if (s.y_items == 0) return;
      by_item_size(item_size(call), [&](auto word) {
        using W = decltype(word);
        take_rows<decltype(mode)::value>(reinterpret_cast<const W*>(in), indices, reinterpret_cast<W*>(out), s,
                                         static_cast<W>(missing_bits(call.out[0].dtype)));
      });
    });
  });
}

void take_along_axis(const Call& call) {
  const Sizes s = read_sizes(call);
  const char* in = raw_input(call, 0, s.x_items);
  char* out = raw_output(call, 0, s.y_items);
  by_index(call, 1, s.y_items, [&](auto indices) {
    count_outside(call, indices, s.y_items, s.n);
    by_mode(call, s.mode, [&](auto mode) {
      if (s.y_items == 0) return;
      by_item_size(item_size(call), [&](auto word) {
        using W = decltype(word);
        take_along<decltype(mode)::value>(reinterpret_cast<const W*>(in), indices, reinterpret_cast<W*>(out), s,
                                          static_cast<W>(missing_bits(call.out[0].dtype)));
      });
    });
  });
}

void ravel_indices(const Call& call) {
  expect(call, 1, 1, 2, 0);
  const int64_t count = ints<RavelInts>(call).count, *dims = call.i + 2;
  const int ndim = read_ndim(call, 1, 1);
  product(call, dims, ndim);
  int64_t* flat = output<int64_t>(call, 0, checked_mul(call, count, 1));
  by_index(call, 0, checked_mul(call, count, ndim), [&](auto indices) {
    parallel_range(count, 1 << 13, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        int64_t at = 0;
        for (int d = 0; d < ndim; ++d) {
          const int64_t c = resolve<kFill>(indices[k * ndim + d], dims[d]);
          at = c < 0 || at < 0 ? -1 : at * dims[d] + c;
        }
        flat[k] = at < 0 ? std::numeric_limits<int64_t>::min() : at;
      }
    });
  });
}

}  // namespace KG_NS

KG_REGISTER(take, TakeInts::names);
KG_REGISTER(take_along_axis, TakeInts::names);
KG_REGISTER(ravel_indices, RavelInts::names);
