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
#include "parallel.h"

namespace KG_NS {
namespace {

struct Labels {
  const void* data;
  LoadSpan<int64_t> load;
  bool ignores;
  int64_t ignored, cols;

  Labels(const Call& call, int k, int64_t rows)
      : data(call.in[k].data),
        load(load_span<int64_t>(call.in[k].dtype)),
        ignores(call.i[2] != 0),
        ignored(call.i[3]),
        cols(call.i[1]) {
    const DType t = call.in[k].dtype;
    if (t < kU8 || t > kI64) fail_dtype(call, "input", k, t, "an integer dtype");
    if (call.in[k].bytes / dtype_size(t) < rows) fail(call, "labels", call.in[k].bytes / dtype_size(t), rows);
  }
  int64_t at(int64_t r) const {
    int64_t label;
    load(data, r, 1, &label, 1);  // a uint64 label above 2^63 becomes negative: out of range either way
    return label;
  }
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
  parallel_range(rows, softmax_grain(cols), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t label = labels.at(r);
      T* row = p + r * cols;
      if (labels.skip(label)) {
        loss[r] = E::from_scalar(0);
        for (int64_t c = 0; c < cols; ++c) row[c] = E::from_scalar(0);
      } else if (!labels.valid(label)) {
        fill_nan(loss + r, 1);
        fill_nan(row, cols);
        wrong.fetch_add(1, std::memory_order_relaxed);
      } else {
        const auto target = E::to_scalar(x[r * cols + label]);
        const auto sum = softmax_and_log_sum(x + r * cols, row, cols);
        loss[r] = E::from_scalar((sum.largest - target) + sum.rest);
      }
    }
  });
  if (bad) *bad = wrong.load();
}

template <class T> void backward(const Call& call, int64_t rows, int64_t cols) {
  using E = Element<T>;
  const T *p = input<T>(call, 0, checked_mul(call, rows, cols)), *g = input<T>(call, 2, rows);
  const Labels labels(call, 1, rows);
  T* gx = output<T>(call, 0, rows * cols);
  parallel_range(rows, 16384 / (cols + 8) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* row = p + r * cols;
      T* out = gx + r * cols;
      const int64_t label = labels.at(r);
      const auto scale = E::to_scalar(g[r]);
      const bool hit = labels.valid(label) && !labels.skip(label);
      const auto at_label = hit ? (E::to_scalar(row[label]) - 1) * scale : 0;
      if (labels.skip(label)) {
        for (int64_t c = 0; c < cols; ++c) out[c] = E::from_scalar(0);
        continue;
      }
      const auto s = E::all(scale);
      row_store(out, cols, [&](int64_t i, int64_t count) { return load_count(row + i, count) * s; });
      if (hit) out[label] = E::from_scalar(at_label);
    }
  });
}

}  // namespace

void sparse_softmax_cross_entropy(const Call& call) {
  expect(call, 2, call.n_out == 3 ? 3 : 2, 4, 0);
  const int64_t rows = call.i[0], cols = call.i[1];
  if (cols < 1) fail(call, "classes", cols, 1);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { forward<typename std::remove_pointer<decltype(type)>::type>(call, rows, cols); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

void sparse_softmax_cross_entropy_grad(const Call& call) {
  expect(call, 3, 1, 4, 0);
  const int64_t rows = call.i[0], cols = call.i[1];
  if (cols < 1) fail(call, "classes", cols, 1);
  const bool known = for_float_dtype(
      call.in[0].dtype, [&](auto* type) { backward<typename std::remove_pointer<decltype(type)>::type>(call, rows, cols); });
  if (!known) fail_dtype(call, "input", 0, call.in[0].dtype, "a float dtype");
}

}  // namespace KG_NS

KG_REGISTER(sparse_softmax_cross_entropy);
KG_REGISTER(sparse_softmax_cross_entropy_grad);
