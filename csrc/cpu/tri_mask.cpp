// The part of matrices between two diagonals.
//
// tri_mask  in: x (outer, rows, cols), out: y, any one dtype: y[o, i, j] = x[o, i, j] where low <= j - i <= high, else 0.
//           ints: outer, rows, cols, low, high
#include "movement.h"

namespace KG_NS {

KG_INTS(BandInts, outer, rows, cols, low, high);

void tri_mask(const Call& call) {
  expect(call, 1, 1, 5, 0);
  const auto p = ints<BandInts>(call);
  const int64_t outer = p.outer, rows = p.rows, cols = p.cols, item = item_size(call);
  // Diagonals beyond the matrix select nothing more; clamped so that sums with a row number cannot overflow.
  const int64_t low = std::clamp(p.low, -rows, cols), high = std::clamp(p.high, -rows - 1, cols);
  const int64_t all_rows = checked_mul(call, outer, rows), items = checked_mul(call, all_rows, cols);
  const char* x = raw_input(call, 0, items);
  char* y = raw_output(call, 0, items);
  if (items == 0) return;
  parallel_range(all_rows, std::max<int64_t>(1, kCopyGrain / (cols * item)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = r % rows, first = std::clamp<int64_t>(i + low, 0, cols),
                    last = std::clamp<int64_t>(i + high + 1, first, cols);
      char* to = y + r * cols * item;
      std::memset(to, 0, static_cast<size_t>(first * item));
      std::memmove(to + first * item, x + (r * cols + first) * item, static_cast<size_t>((last - first) * item));
      std::memset(to + last * item, 0, static_cast<size_t>((cols - last) * item));
    }
  });
}

}  // namespace KG_NS

KG_REGISTER(tri_mask, BandInts::names);
KG_IN_PLACE(tri_mask, out == 0 && in == 0);
