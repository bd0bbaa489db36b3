// What optimizers do around the update: norms, clipping, moving averages. Many tensors in one launch, one float dtype.
//
// multi_square_sum  in: n tensors; out: sums float64, (n) with one sum of squares each, or (1) with the sum over all.
//                   ints: n, n element counts, total (1: one sum over all), accumulate (1: add to what out holds)
// multi_clip        in: n tensors, for modes 1 and 2 then sums float64 from multi_square_sum; out: n tensors.
//                   ints: n, n element counts, mode.  floats: limit > 0.   Formulas of Keras:
//                   0 by value         y = min(max(x, -limit), limit)
//                   1 by norm          y = x limit / max(norm, limit), the norm of each tensor
//                   2 by global norm   y = x limit min(1 / norm, 1 / limit), NaN where the norm is not finite
// ema_update        in: iterations (1) int32 or int64, then n tensors x; out: n averages.   ints: n, n element counts
//                   floats: momentum.   average = momentum average + (1 - momentum) x; the first step (iterations 0) copies x
//
// Sums add fixed chunks in a fixed order, so they do not depend on the number of threads. Half types are computed in float.
#include <algorithm>
#include <vector>

#include "optimizer.h"

namespace KG_NS {
namespace {

KG_INTS_AND_LISTS(ListInts, "counts...", tensors);
KG_INTS_AND_LISTS(SquareSumInts, "counts..., total, accumulate", tensors);
KG_INTS_AND_LISTS(ClipInts, "counts..., mode", tensors);
KG_FLOATS(ClipFloats, limit);
KG_FLOATS(EmaFloats, momentum);

// Checks that in[first + k] (and out[k]) hold counts[k] elements of one float dtype.
Tensors read_list(const Call& call, int first, bool outputs) {
  const int64_t n = ints<ListInts>(call).tensors;
  Tensors t{n, 0, call.i + 1, nullptr};
  if (n == 0) return t;
  const DType dtype = call.in[first].dtype;
  for (int64_t k = 0; k < n; ++k) {
    const int64_t bytes = checked_mul(call, t.counts[k], dtype_size(dtype));
    if (__builtin_add_overflow(t.total, t.counts[k], &t.total)) fail(call, "element count", t.counts[k], 0);
    const auto check = [&](const Buffer& b, const char* what) {
      if (b.dtype != dtype) fail_dtype(call, what, static_cast<int>(k), b.dtype, dtype_name(dtype));
      if (b.bytes < bytes) fail(call, what, b.bytes / dtype_size(dtype), t.counts[k]);
    };
    check(call.in[first + k], "input");
    if (outputs) check(call.out[k], "output");
  }
  return t;
}

// Also refuses a number of tensors that the integer parameters cannot describe.
int read_count(const Call& call, int own) {
  const int64_t n = ints<ListInts>(call).tensors;
  if (n < 0 || n > 4096) fail(call, "number of tensors", n, 4096);
  if (call.n_i < 1 + n + own) fail(call, "number of integer parameters", call.n_i, 1 + n + own);
  return static_cast<int>(n);
}

template <class F> void by_float(const Call& call, DType dtype, const F& f) {
  by_dtype(dtype, [&](auto tag) {
    if constexpr (is_float<decltype(tag)>) {
      f(tag);
    } else {
      fail_dtype(call, "input", 0, dtype, "float16, bfloat16, float32 or float64");
    }
  });
}

struct Piece {
  int64_t tensor, begin, end;
};

template <class T> double square_sum(const T* x, int64_t n) {
  double lanes[8] = {};
  int64_t k = 0;
  for (; k + 8 <= n; k += 8)
    for (int l = 0; l < 8; ++l) {
      const double v = widen(x[k + l]);
      lanes[l] += v * v;
    }
  for (; k < n; ++k) lanes[k % 8] += static_cast<double>(widen(x[k])) * static_cast<double>(widen(x[k]));
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace

void multi_square_sum(const Call& call) {
  const int n = read_count(call, 2);
  expect(call, n, 1, 1 + n + 2, 0);
  const int64_t* own = call.i + 1 + n;  // total, accumulate
  const bool total = own[0] != 0, accumulate = own[1] != 0;
  const Tensors t = read_list(call, 0, false);
  double* sums = output<double>(call, 0, total ? 1 : n);
  if (!accumulate) std::fill(sums, sums + (total ? 1 : n), 0.0);
  if (n == 0) return;
  std::vector<Piece> pieces;
  for (int64_t k = 0; k < n; ++k)
    for (int64_t b = 0; b < t.counts[k]; b += kUpdateGrain) pieces.push_back({k, b, std::min(b + kUpdateGrain, t.counts[k])});
  std::vector<double> partial(pieces.size());
  by_float(call, call.in[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    parallel_range(static_cast<int64_t>(pieces.size()), t.total > kUpdateGrain ? 2 : n, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        partial[p] = square_sum(static_cast<const T*>(call.in[pieces[p].tensor].data) + pieces[p].begin,
                                pieces[p].end - pieces[p].begin);
    });
  });
  for (size_t p = 0; p < pieces.size(); ++p) sums[total ? 0 : pieces[p].tensor] += partial[p];
}

void multi_clip(const Call& call) {
  const int n = read_count(call, 1);
  const int64_t mode = *(call.i + 1 + n);
  if (mode < 0 || mode > 2) fail(call, "mode", mode, 2);
  expect(call, n + (mode > 0), n, 1 + n + 1, 1);
  const double limit = floats<ClipFloats>(call).limit;
  if (!(limit > 0)) fail_message(call, "the limit must be above 0");
  const Tensors t = read_list(call, 0, true);
  if (n == 0) return;
  const double* sums = mode > 0 ? input<double>(call, n, mode == 1 ? n : 1) : nullptr;
  by_float(call, call.in[0].dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = typename compute<T>::type;
    const C bound = static_cast<C>(limit);
    for_pieces(t, [&](int64_t k, int64_t begin, int64_t end) {
      const T* x = static_cast<const T*>(call.in[k].data);
      T* y = static_cast<T*>(call.out[k].data);
      if (mode == 0) {
        for (int64_t i = begin; i < end; ++i) {
          const C v = widen(x[i]);
          y[i] = narrow<T>(v > bound ? bound : v < -bound ? -bound : v);
        }
        return;
      }
      const C norm = static_cast<C>(std::sqrt(sums[mode == 1 ? k : 0]));
      if (mode == 1) {
        const C divisor = norm > bound || norm != norm ? norm : bound;
        for (int64_t i = begin; i < end; ++i) y[i] = narrow<T>(widen(x[i]) * bound / divisor);
      } else {
        const C scale = bound * std::min(1 / norm, 1 / bound) + (norm - norm);
        for (int64_t i = begin; i < end; ++i) y[i] = narrow<T>(widen(x[i]) * scale);
      }
    });
  });
}

void ema_update(const Call& call) {
  const int n = read_count(call, 0);
  expect(call, 1 + n, n, 1 + n, 1);
  const Tensors t = read_list(call, 1, true);
  const int64_t step = call.in[0].dtype == kI32 ? *input<int32_t>(call, 0, 1) : *input<int64_t>(call, 0, 1);
  if (n == 0) return;
  by_float(call, call.in[1].dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = typename compute<T>::type;
    const C momentum = step == 0 ? C(0) : static_cast<C>(floats<EmaFloats>(call).momentum), gain = 1 - momentum;
    for_pieces(t, [&](int64_t k, int64_t begin, int64_t end) {
      const T* x = static_cast<const T*>(call.in[1 + k].data);
      T* average = static_cast<T*>(call.out[k].data);
      for (int64_t i = begin; i < end; ++i) average[i] = narrow<T>(momentum * widen(average[i]) + gain * widen(x[i]));
    });
  });
}

}  // namespace KG_NS

KG_REGISTER(multi_square_sum, SquareSumInts::names);
KG_REGISTER(multi_clip, ClipInts::names, ClipFloats::names);
KG_REGISTER(ema_update, ListInts::names, EmaFloats::names);
KG_IN_PLACE(multi_clip, in == out);
