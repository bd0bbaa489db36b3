// Padding: y.shape[d] = low[d] + dims[d] + high[d].  in: x of shape dims, out: y.  Any dtype, the same on both sides.
//
// ints: mode, ndim, dims..., lows..., highs...  (lows and highs >= 0).  floats: value (mode constant).
// mode 0 constant, 1 reflect (edge not repeated), 2 symmetric (edge repeated), 3 edge. Padding wider than x is reflected again,
// as NumPy does.
//
// Trailing dimensions without padding are part of the item that is moved. Threads take fixed ranges of output rows.
#include <vector>

#include "movement.h"
#include "numeric.h"

namespace KG_NS {
namespace {

enum Mode { kConstant, kReflect, kSymmetric, kEdge };

// The coordinate in x that padded coordinate c (counted from the first real one) shows, -1 for the constant.
inline int64_t source(int64_t c, int64_t n, int64_t mode) {
  if (c >= 0 && c < n) return c;
  if (mode == kConstant) return -1;
  if (mode == kEdge) return c < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  const int64_t period = mode == kReflect ? 2 * n - 2 : 2 * n;
  c = (c % period + period) % period;
  if (c < n) return c;
  return mode == kReflect ? period - c : period - 1 - c;
}

struct Layout {
  int ndim;
  int64_t dims[kMaxDims], low[kMaxDims], total[kMaxDims];
  int64_t item, mode;  // item: bytes of one item, trailing dimensions included
};

// items copies of one item of `bytes` bytes.
void repeat_item(char* out, const char* item, int64_t bytes, int64_t items) {
  for (int64_t k = 0; k < items; ++k) std::memcpy(out + k * bytes, item, static_cast<size_t>(bytes));
}

// blank: one row of the padding constant. Writes output rows [begin, end); a row is the last padded dimension.
void pad_rows(const char* in, char* out, const Layout& p, const char* blank, int64_t begin, int64_t end) {
  const int last = p.ndim - 1;
  const int64_t n = p.dims[last], low = p.low[last], width = p.total[last], row_bytes = width * p.item;
  for (int64_t r = begin; r < end; ++r) {
    char* y = out + r * row_bytes;
    int64_t rest = r, row = 0, stride = 1;
    bool real = true;
    for (int d = last - 1; d >= 0; --d) {
      const int64_t c = source(rest % p.total[d] - p.low[d], p.dims[d], p.mode);
      rest /= p.total[d];
      if (c < 0) real = false;
      row += c * stride;
      stride *= p.dims[d];
    }
    if (!real) {
      std::memcpy(y, blank, static_cast<size_t>(row_bytes));
      continue;
    }
    const char* x = in + row * n * p.item;
    std::memcpy(y + low * p.item, x, static_cast<size_t>(n * p.item));
    if (p.mode == kConstant) {
      std::memcpy(y, blank, static_cast<size_t>(low * p.item));
      std::memcpy(y + (low + n) * p.item, blank, static_cast<size_t>((width - low - n) * p.item));
      continue;
    }
    for (int64_t k = 0; k < low; ++k) repeat_item(y + k * p.item, x + source(k - low, n, p.mode) * p.item, p.item, 1);
    for (int64_t k = low + n; k < width; ++k) repeat_item(y + k * p.item, x + source(k - low, n, p.mode) * p.item, p.item, 1);
  }
}

KG_INTS_AND_LISTS(PadInts, "dims..., lows..., highs...", mode, ndim);
KG_FLOATS(PadFloats, value);

}  // namespace

void pad(const Call& call) {
  expect(call, 1, 1, 2, 1);
  const int ndim = read_ndim(call, 1, 3);
  const int64_t *dims = call.i + 2, *lows = dims + ndim, *highs = lows + ndim;
  Layout p{0, {}, {}, {}, item_size(call), ints<PadInts>(call).mode};
  if (p.mode < kConstant || p.mode > kEdge) fail(call, "mode", p.mode, kEdge);
  int64_t total = 1;
  for (int d = 0; d < ndim; ++d) {
    if (lows[d] < 0 || highs[d] < 0) fail(call, "padding", std::min(lows[d], highs[d]), 0);
    int64_t size;
    if (__builtin_add_overflow(dims[d], lows[d], &size) || __builtin_add_overflow(size, highs[d], &size))
      fail(call, "padded dimension", lows[d], 0);
    total = checked_mul(call, total, size);
    if (dims[d] == 0 && size > 0 && p.mode != kConstant)
      fail_message(call, "an axis of size 0 has nothing to repeat; use mode constant");
    p.dims[d] = dims[d];
    p.low[d] = lows[d];
    p.total[d] = size;
  }
  const char* in = raw_input(call, 0, product(call, dims, ndim));
  char* out = raw_output(call, 0, total);
  if (total == 0) return;
  p.ndim = ndim;
  while (p.ndim > 0 && p.total[p.ndim - 1] == p.dims[p.ndim - 1]) p.item *= p.dims[--p.ndim];
  if (p.ndim == 0) return copy_rows(in, 0, out, 0, 1, p.item);

  const int64_t row_bytes = p.total[p.ndim - 1] * p.item;
  std::vector<char> blank;
  if (p.mode == kConstant) {
    blank.resize(static_cast<size_t>(row_bytes));
    by_dtype(call.out[0].dtype, [&](auto tag) {
      const auto value = from_double<decltype(tag)>(floats<PadFloats>(call).value);
      repeat_item(blank.data(), reinterpret_cast<const char*>(&value), sizeof(value), row_bytes / int64_t(sizeof(value)));
    });
  }
  int64_t rows = 1;
  for (int d = 0; d + 1 < p.ndim; ++d) rows *= p.total[d];
  parallel_range(rows, std::max<int64_t>(1, kCopyGrain / row_bytes),
                 [&](int64_t begin, int64_t end) { pad_rows(in, out, p, blank.data(), begin, end); });
}

}  // namespace KG_NS

KG_REGISTER(pad, PadInts::names, PadFloats::names);
