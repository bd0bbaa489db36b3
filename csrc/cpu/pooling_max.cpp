// max_pool: y[n, o, c] = max over t of x[n, o stride + t dilation - before, c]
//   inputs x (batch, d0, d1, d2, channels); outputs y (batch, *count, channels), and optionally arg: the tap t of the maximum, the
//   first of equal ones, uint8 (at most 256 taps) or int32. Any dtype without arg, float dtypes with it.
// max_pool_grad: gx[n, i, c] = sum of gy[n, o, c] over the o whose maximum is at i;  inputs gy, arg; outputs gx, and optionally the
//   sum of gx over all but c, with the bits that `reduce` gives
// max_pool_take: y[n, o, c] = x at the maximum of o, 0 if arg names none;            inputs x, arg; outputs y
// ints: batch, channels, the window (csrc/common/window.h).
//
// Elements outside x are skipped; a window that holds none gives -infinity (the smallest integer) and sends its gradient nowhere.
// NaN is larger than every number. The gradient gathers: each element of gx looks at the windows that hold it, in the order
// of taps, so nothing is written twice and a wrong arg reaches no memory. Threads take fixed groups of rows; where gx is also summed, the
// chunks of pixels that `reduce` adds up, each while it is in the cache.
#include "pooling.h"
#include "reduce_fold.h"

namespace KG_NS {
namespace {

// How far ahead of what a window reads memory is asked for what the window below it reads: 0 where x may well be in the cache.
template <class T> int64_t row_ahead(const Pooling& p) {
  const int64_t ahead = p.w.stride[1] * p.w.size[2] * p.channels * int64_t(sizeof(T));
  return p.x_count * int64_t(sizeof(T)) >= (int64_t(4) << 20) && ahead <= (int64_t(1) << 18) ? ahead : 0;
}
template <class T> inline __attribute__((always_inline)) void prefetch_row(const T* x, int64_t ahead) {
  if (ahead > 0)
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(x) + static_cast<uintptr_t>(ahead)));
}

template <class T> void values(const Pooling& p, const T* x, T* y) {
  using E = PoolLanes<T>;
  using V = typename E::V;
  const int64_t ahead = row_ahead<T>(p);
  each_pixel<false, E::kN>(p, [=](auto groups, int64_t part, const Seen& seen, int64_t out, int64_t c) {
    constexpr int G = decltype(groups)::value;
    V best[G];
    for (auto& b : best) b = E::lowest();
    seen.each([&](int64_t at, int64_t) {
      const T* from = x + at + c;
      for (int g = 0; g < G; ++g) {
        prefetch_row(from + g * E::kN, ahead);
        const V v = G == 1 && part ? E::load_part(from, part) : E::load(from + g * E::kN);
        if constexpr (is_float<T>)
          best[g] = larger(v, best[g]);
        else
          best[g] = v > best[g] ? v : best[g];
      }
    });
    if (G == 1 && part) return E::store_n(y + out, best[0], part);
    for (int g = 0; g < G; ++g) E::store(y + out + g * E::kN, best[g]);
  });
}

template <class T, class I> void values_and_taps(const Pooling& p, const T* x, T* y, I* arg) {
  using E = PoolLanes<T>;
  using V = typename E::V;
  const int64_t ahead = row_ahead<T>(p);
  using N = TapLanes<T>;
  each_pixel<false, E::kN>(p, [=](auto groups, int64_t part, const Seen& seen, int64_t out, int64_t c) {
    constexpr int G = decltype(groups)::value;
    V best[G];
    typename N::V taps[G];
    const auto first = seen.count() > 0 ? seen.first_tap() : 0;
    for (int g = 0; g < G; ++g) best[g] = E::lowest(), taps[g] = typename N::V{} + int32_t(first);
    seen.each([&](int64_t at, int64_t tap) {
      const T* from = x + at + c;
      for (int g = 0; g < G; ++g) {
        prefetch_row(from + g * E::kN, ahead);
        const V v = G == 1 && part ? E::load_part(from, part) : E::load(from + g * E::kN);
        const auto take = ~(v <= best[g]) & (best[g] == best[g]);
        best[g] = take ? v : best[g];
        taps[g] = take ? typename N::V{} + int32_t(tap) : taps[g];
      }
    });
    if (G == 1 && part) return E::store_n(y + out, best[0], part), N::store_n(arg + out, taps[0], part);
    for (int g = 0; g < G; ++g) E::store(y + out + g * E::kN, best[g]), N::store(arg + out + g * E::kN, taps[g]);
  });
}

template <class T, class I> auto gradient_of(const T* gy, const I* arg, T* gx) {
  using E = PoolLanes<T>;
  using V = typename E::V;
  using N = TapLanes<T>;
  return [=](auto groups, int64_t part, const Seen& seen, int64_t out, int64_t c) {
    constexpr int G = decltype(groups)::value;
    V sum[G] = {};
    seen.each([&](int64_t at, int64_t tap) {
      const T* from = gy + at + c;
      const I* of = arg + at + c;
      for (int g = 0; g < G; ++g) {
        const V v = G == 1 && part ? E::load_part(from, part) : E::load(from + g * E::kN);
        const auto found = G == 1 && part ? N::load_part(of, part) : N::load(of + g * E::kN);
        sum[g] += found == int32_t(tap) ? v : V{};
      }
    });
    if (G == 1 && part) return E::store_n(gx + out, sum[0], part);
    for (int g = 0; g < G; ++g) E::store(gx + out + g * E::kN, sum[g]);
  };
}

template <class T, class I> void gradient(const Pooling& p, const T* gy, const I* arg, T* gx) {
  each_pixel<true, PoolLanes<T>::kN>(p, gradient_of(gy, arg, gx));
}

// Also the sums of gx, which are the call's second output.
template <class T, class I> void summed_gradient(const Call& call, const Pooling& p, const T* gy, const I* arg, T* gx) {
  using A = typename Element<T>::A;
  output<T>(call, 1, p.channels);
  if (p.channels == 0) return;
  const int64_t pixels = p.x_count / p.channels;
  const Call sum{call.name, call.out, call.out + 1, nullptr, nullptr, 1, 1, 0, 0};
  const Reducer<A> reducer(sum, kSum, pixels);
  if (!Reducer<A>::takes_before(p.channels) || pixels == 0) {
    if (p.x_count > 0) gradient(p, gy, arg, gx);
    return reducer.run(1, pixels, p.channels);
  }
  const PoolArray<Taps> columns(p.w.size[2]);
  for (int64_t o = 0; o < p.w.size[2]; ++o) columns.data[o] = taps_of_input(p.w, 2, o);
  const auto body = gradient_of(gy, arg, gx);
  reducer.run(1, pixels, p.channels, [&](int64_t pixel, int64_t count) {
    each_input_pixel<PoolLanes<T>::kN>(p, columns.data, pixel, pixel + count, body);
  });
}

template <class T, class I> void taken(const Pooling& p, const T* x, const I* arg, T* y) {
  using E = PoolLanes<T>;
  using V = typename E::V;
  using N = TapLanes<T>;
  each_pixel<false, E::kN>(p, [=](auto groups, int64_t part, const Seen& seen, int64_t out, int64_t c) {
    constexpr int G = decltype(groups)::value;
    V value[G] = {};
    seen.each([&](int64_t at, int64_t tap) {
      const T* from = x + at + c;
      for (int g = 0; g < G; ++g) {
        const V v = G == 1 && part ? E::load_part(from, part) : E::load(from + g * E::kN);
        const auto found = G == 1 && part ? N::load_part(arg + out, part) : N::load(arg + out + g * E::kN);
        value[g] = found == int32_t(tap) ? v : value[g];
      }
    });
    if (G == 1 && part) return E::store_n(y + out, value[0], part);
    for (int g = 0; g < G; ++g) E::store(y + out + g * E::kN, value[g]);
  });
}

// f(null pointer of I, I the type of the tap numbers in `arg`).
template <class F> void for_tap_dtype(const Call& call, const Pooling& p, const char* what, DType dtype, const F& f) {
  if (dtype == kU8) {
    if (volume(p.w.kernel) > 256) fail(call, "taps numbered by uint8", volume(p.w.kernel), 256);
    return f(static_cast<uint8_t*>(nullptr));
  }
  if (dtype != kI32) fail_dtype(call, what, 1, dtype, "uint8 or int32");
  if (volume(p.w.kernel) > INT32_MAX) fail(call, "taps numbered by int32", volume(p.w.kernel), INT32_MAX);
  f(static_cast<int32_t*>(nullptr));
}

// f(typed null pointers of the data and of the tap numbers) for max_pool_grad and max_pool_take.
template <class F> void with_taps(const Call& call, const Pooling& p, const F& f) {
  const bool known = for_float_dtype(call.out[0].dtype, [&](auto* type) {
    for_tap_dtype(call, p, "input", call.in[1].dtype, [&](auto* index) { f(type, index); });
  });
  if (!known) fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
}

}  // namespace

void max_pool(const Call& call) {
  expect(call, 1, call.n_out == 2 ? 2 : 1, kPoolingInts, 0);
  const Pooling p = read_pooling(call);
  if (call.n_out == 1) {
    return by_dtype(call.out[0].dtype, [&](auto zero) {
      using T = decltype(zero);
      using Lane = typename std::conditional<std::is_same<T, bool>::value, uint8_t, T>::type;
      const T* x = input<T>(call, 0, p.x_count);
      T* y = output<T>(call, 0, p.y_count);
      if (p.y_count > 0) values(p, reinterpret_cast<const Lane*>(x), reinterpret_cast<Lane*>(y));
    });
  }
  const bool known = for_float_dtype(call.out[0].dtype, [&](auto* type) {
    for_tap_dtype(call, p, "output", call.out[1].dtype, [&](auto* index) {
      using T = typename std::remove_pointer<decltype(type)>::type;
      using I = typename std::remove_pointer<decltype(index)>::type;
      const T* x = input<T>(call, 0, p.x_count);
      T* y = output<T>(call, 0, p.y_count);
      I* arg = output<I>(call, 1, p.y_count);
      if (p.y_count > 0) values_and_taps(p, x, y, arg);
    });
  });
  if (!known) fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
}

void max_pool_grad(const Call& call) {
  expect(call, 2, call.n_out == 2 ? 2 : 1, kPoolingInts, 0);
  const Pooling p = read_pooling(call);
  with_taps(call, p, [&](auto* type, auto* index) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    using I = typename std::remove_pointer<decltype(index)>::type;
    const T* gy = input<T>(call, 0, p.y_count);
    const I* arg = input<I>(call, 1, p.y_count);
    T* gx = output<T>(call, 0, p.x_count);
    if (call.n_out == 2) return summed_gradient(call, p, gy, arg, gx);
    if (p.x_count > 0) gradient(p, gy, arg, gx);
  });
}

void max_pool_take(const Call& call) {
  expect(call, 2, 1, kPoolingInts, 0);
  const Pooling p = read_pooling(call);
  with_taps(call, p, [&](auto* type, auto* index) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    using I = typename std::remove_pointer<decltype(index)>::type;
    const T* x = input<T>(call, 0, p.x_count);
    const I* arg = input<I>(call, 1, p.y_count);
    T* y = output<T>(call, 0, p.y_count);
    if (p.y_count > 0) taken(p, x, arg, y);
  });
}

}  // namespace KG_NS

KG_REGISTER(max_pool, PoolingInts::names);
KG_REGISTER(max_pool_grad, PoolingInts::names);
KG_REGISTER(max_pool_take, PoolingInts::names);
