// average_pool: y[n, o, c] = scale(o) times the sum over t of x[n, o stride + t dilation - before, c]
//   inputs x (batch, d0, d1, d2, channels); outputs y (batch, *count, channels)
// average_pool_grad: gx[n, i, c] = sum of scale(o) gy[n, o, c] over the o and t with o stride + t dilation - before = i
//   inputs gy; outputs gx
// ints: batch, channels, the window (csrc/common/window.h). scale(o) = 1 / how many elements of the window of o lie in x.
//
// float32, float64, float16 and bfloat16; the halves are summed in float and rounded once. Sums run over taps in order; a window
// that holds no element gives 0. Each is the transpose of the other. Threads take fixed groups of rows.
#include "gemm_run.h"
#include "pooling.h"

namespace KG_NS {
namespace {

template <class A> A scale_of(int64_t count) { return count > 0 ? A(1) / static_cast<A>(count) : A(0); }

template <class T> void averages(const Pooling& p, const T* x, T* y) {
  using E = PoolLanes<T>;
  using V = typename E::V;
  each_pixel<false, E::kN>(p, [=](auto groups, int64_t part, const Seen& seen, int64_t out, int64_t c) {
    constexpr int G = decltype(groups)::value;
    V sum[G] = {};
    seen.each([&](int64_t at, int64_t) {
      const T* from = x + at + c;
      for (int g = 0; g < G; ++g) sum[g] += G == 1 && part ? E::load_part(from, part) : E::load(from + g * E::kN);
    });
    const V scale = E::all(scale_of<typename E::A>(seen.count()));
    if (G == 1 && part) return E::store_n(y + out, sum[0] * scale, part);
    for (int g = 0; g < G; ++g) E::store(y + out + g * E::kN, sum[g] * scale);
  });
}

// How many elements of x the windows at each output position hold, dim by dim; empty when all hold every tap.
class Counts {
 public:
  explicit Counts(const Window& w) : memory_(bytes(w)) {
    int64_t* next = memory_.as<int64_t>();
    if (!next) return;
    for (int d = 0; d < 3; ++d) {
      in_[d] = next;
      for (int64_t o = 0; o < w.count[d]; ++o) *next++ = taps_of_output(w, d, o).count;
    }
  }
  bool all() const { return in_[0] == nullptr; }  // every window holds every tap
  int64_t of(int64_t z, int64_t y, int64_t x) const { return in_[0][z] * in_[1][y] * in_[2][x]; }

 private:
  static int64_t bytes(const Window& w) {
    bool inside = true;
    for (int d = 0; d < 3; ++d)
      inside = inside && w.before[d] == 0 && (w.count[d] - 1) * w.stride[d] + (w.kernel[d] - 1) * w.dilation[d] < w.size[d];
    return inside ? 0 : (w.count[0] + w.count[1] + w.count[2]) * int64_t(sizeof(int64_t));
  }
  const int64_t* in_[3] = {};
  Scratch memory_;
};

template <class T> void gradient(const Pooling& p, const T* gy, T* gx) {
  using E = PoolLanes<T>;
  using V = typename E::V;
  using A = typename E::A;
  const Counts counts(p.w);
  const A whole = scale_of<A>(volume(p.w.kernel));
  each_pixel<true, E::kN>(p, [=, &counts](auto groups, int64_t part, const Seen& seen, int64_t out, int64_t c) {
    constexpr int G = decltype(groups)::value;
    V sum[G] = {};
    for (int64_t a = 0; a < seen.z.count; ++a)
      for (int64_t b = 0; b < seen.y.count; ++b)
        for (int64_t t = 0; t < seen.x.count; ++t) {
          const int64_t z = seen.z.at + a * seen.z.at_step, y = seen.y.at + b * seen.y.at_step;
          const int64_t x = seen.x.at + t * seen.x.at_step;
          const T* from = gy + seen.start + z * seen.plane + y * seen.line + x * seen.pixel + c;
          const V scale = E::all(counts.all() ? whole : scale_of<A>(counts.of(z, y, x)));
          for (int g = 0; g < G; ++g) sum[g] += (G == 1 && part ? E::load_part(from, part) : E::load(from + g * E::kN)) * scale;
        }
    if (G == 1 && part) return E::store_n(gx + out, sum[0], part);
    for (int g = 0; g < G; ++g) E::store(gx + out + g * E::kN, sum[g]);
  });
}

template <bool kGrad> void start(const Call& call) {
  expect(call, 1, 1, kPoolingInts, 0);
  const Pooling p = read_pooling(call);
  const bool known = for_float_dtype(call.out[0].dtype, [&](auto* type) {
    using T = typename std::remove_pointer<decltype(type)>::type;
    const T* from = input<T>(call, 0, kGrad ? p.y_count : p.x_count);
    T* to = output<T>(call, 0, kGrad ? p.x_count : p.y_count);
    if ((kGrad ? p.x_count : p.y_count) == 0) return;
    if constexpr (kGrad)
      gradient(p, from, to);
    else
      averages(p, from, to);
  });
  if (!known) fail_dtype(call, "output", 0, call.out[0].dtype, "a float dtype");
}

}  // namespace

void average_pool(const Call& call) { start<false>(call); }
void average_pool_grad(const Call& call) { start<true>(call); }

}  // namespace KG_NS

KG_REGISTER(average_pool, PoolingInts::names);
KG_REGISTER(average_pool_grad, PoolingInts::names);
