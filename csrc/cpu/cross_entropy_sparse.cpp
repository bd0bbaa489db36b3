// sparse_softmax_cross_entropy:      loss[r] = log(sum over c of exp(x[r][c])) - x[r][label[r]],  p = softmax(x)
// sparse_softmax_cross_entropy_grad: gx[r][c] = (p[r][c] - [c = label[r]]) g[r]
//
//   forward   inputs logits (rows, cols), labels (rows) of any integer dtype; outputs loss (rows), p (rows, cols), and
//             optionally bad (1) int32, the number of labels that name no class
//   backward  inputs p, labels, g (rows); outputs gx (rows, cols), which may be p
//   ints      rows, cols, 1 to ignore a label, the label to ignore
//
// An ignored row has loss 0 and p 0, hence gradient 0. A label outside [0, cols) that is not ignored gives a row of NaN
// and is counted; it is never used as an index. Threads take fixed groups of rows.
#include <atomic>

#include "cross_entropy.h"
#include "elementwise_memory.h"

namespace KG_NS {
namespace {

KG_INTS(SparseInts, rows, cols, ignores, ignored);

struct Labels {
  const void* data;
  LoadSpan<int64_t> load;
  bool ignores;
  int64_t ignored, cols;

  Labels(const Call& call, int k, int64_t rows)
      : data(call.in[k].data),
        load(load_span<int64_t>(call.in[k].dtype)),
        ignores(ints<SparseInts>(call).ignores != 0),
        ignored(ints<SparseInts>(call).ignored),
        cols(ints<SparseInts>(call).cols) {
    const DType t = call.in[k].dtype;
    if (t < kU8 || t > kI64) fail_dtype(call, "input", k, t, "an integer dtype");
    if (call.in[k].bytes / dtype_size(t) < rows) fail(call, "labels", call.in[k].bytes / dtype_size(t), rows);
  }
  // Of `count` rows from r. A uint64 label above 2^63 becomes negative: out of range either way.
  void read(int64_t r, int64_t count, int64_t* label) const { load(data, r, 1, label, count); }
  bool skip(int64_t label) const { return ignores && label == ignored; }
  bool valid(int64_t label) const { return label >= 0 && label < cols; }
};

template <class T> void forward(const Call& call, int64_t rows, int64_t cols) {
  using E = Element<T>;
  const T* x = input<T>(call, 0, checked_mul(call, rows, cols));
  const Labels labels(call, 1, rows);
  T *loss = output<T>(call, 0, rows), *p = output<T>(call, 1, rows * cols);
  int32_t* bad = call.n_out == 3 ? output<int32_t>(call, 2, 1) : nullptr;
  std::atomic<int32_t> wrong{0};
  const SoftmaxRows<T, false> softmax(x, p, rows, cols);
  softmax_and_log_sums(softmax, rows, [&](int64_t first, int64_t some, const auto* largest, const auto* rest) {
    int64_t label[kMostTogether<T>];
    labels.read(first, some, label);
    for (int64_t k = 0; k < some; ++k) {
      const int64_t r = first + k;
      T* row = p + r * cols;
      if (labels.skip(label[k])) {
        loss[r] = E::from_scalar(0);
        for (int64_t c = 0; c < cols; ++c) row[c] = E::from_scalar(0);
      } else if (!labels.valid(label[k])) {
        fill_nan(loss + r, 1);
        fill_nan(row, cols);
        wrong.fetch_add(1, std::memory_order_relaxed);
      } else {
        loss[r] = E::from_scalar((largest[k] - E::to_scalar(x[r * cols + label[k]])) + rest[k]);
      }
    }
  });
  if (bad) *bad = wrong.load();
}

template <class T> struct Gradient {
  using E = Element<T>;
  using A = typename E::A;
  using V = typename E::V;
  using Short = ShortRows<T>;
  const T *p, *g;
  const Labels& labels;
  T* gx;
  bool past;
  Short shorts;

  Gradient(const T* p_, const T* g_, const Labels& labels_, T* gx_, int64_t rows)
      : p(p_),
        g(g_),
        labels(labels_),
        gx(gx_),
        past(past_cache<T>(rows * labels_.cols)),
        shorts(labels_.cols <= Short::kMost ? labels_.cols : 0) {}

  void run(int64_t begin, int64_t end) const {
    const int64_t some = shorts.n > 0 ? int64_t(E::kN) : 1;
    int64_t label[E::kN];
    for (int64_t r = begin; r < end; r += some) {
      const int64_t count = end - r < some ? end - r : some;
      labels.read(r, count, label);
      if (shorts.n > 0 && count == E::kN)
        group(r, label);
      else
        for (int64_t k = 0; k < count; ++k) row(r + k, label[k]);
    }
    if (past) end_stream();
  }

 private:
  A at_label(int64_t r, int64_t label) const { return (E::to_scalar(p[r * labels.cols + label]) - 1) * E::to_scalar(g[r]); }
  template <class S> void zero(S* y) const {
    for (int64_t c = 0; c < labels.cols; ++c) y[c] = Element<S>::from_scalar(0);
  }

  // kN short rows: together, with what labels change, before they are stored.
  void group(int64_t r, const int64_t* label) const {
    using N = Element<A>;
    const int64_t n = shorts.n;
    alignas(64) A product[Short::kSize];
    const V scale = E::load(g + r);
    const T* from = p + r * n;
    T* to = gx + r * n;
    shorts.each([&](int64_t i) { N::store(product + i, E::load(from + i) * shorts.spread(scale, i)); });
    for (int64_t k = 0; k < E::kN; ++k) {
      if (labels.skip(label[k]))
        zero(product + k * n);
      else if (labels.valid(label[k]))
        product[k * n + label[k]] = at_label(r + k, label[k]);
    }
    const bool aligned = past && reinterpret_cast<uintptr_t>(to) % kVecBytes == 0;
    shorts.each([&](int64_t i) { store_past(to + i, N::load(product + i), E::kN, aligned); });
  }

  void row(int64_t r, int64_t label) const {
    const int64_t n = labels.cols;
    const T* from = p + r * n;
    T* to = gx + r * n;
    if (labels.skip(label)) return zero(to);
    const int64_t hit = labels.valid(label) ? label : -1;
    const A one = hit >= 0 ? at_label(r, label) : 0;  // before gx, which may be p, is written
    const V scale = E::all(E::to_scalar(g[r]));
    // In its vector: a store of its own to a line that goes past the cache would bring the line back.
    row_store_past(to, n, past, [=](int64_t i, int64_t count) {
      V v = load_count(from + i, count) * scale;
      if (hit >= i && hit < i + count) v[hit - i] = one;
      return v;
    });
  }
};

template <class T> void backward(const Call& call, int64_t rows, int64_t cols) {
  const T *p = input<T>(call, 0, checked_mul(call, rows, cols)), *g = input<T>(call, 2, rows);
  const Labels labels(call, 1, rows);
  const Gradient<T> work(p, g, labels, output<T>(call, 0, rows * cols), rows);
  parallel_range(rows, 4 * rows_grain<T>(rows, cols), [&](int64_t begin, int64_t end) { work.run(begin, end); });
}

}  // namespace

void sparse_softmax_cross_entropy(const Call& call) {
  expect(call, 2, call.n_out == 3 ? 3 : 2, 4, 0);
  const auto p = ints<SparseInts>(call);
  const int64_t rows = p.rows, cols = p.cols;
  if (cols < 1) fail(call, "classes", cols, 1);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { forward<typename std::remove_pointer<decltype(type)>::type>(call, rows, cols); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

void sparse_softmax_cross_entropy_grad(const Call& call) {
  expect(call, 3, 1, 4, 0);
  const auto p = ints<SparseInts>(call);
  const int64_t rows = p.rows, cols = p.cols;
  if (cols < 1) fail(call, "classes", cols, 1);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { backward<typename std::remove_pointer<decltype(type)>::type>(call, rows, cols); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(sparse_softmax_cross_entropy, SparseInts::names);
KG_REGISTER(sparse_softmax_cross_entropy_grad, SparseInts::names);
KG_IN_PLACE(sparse_softmax_cross_entropy_grad, out == 0 && in == 0);
