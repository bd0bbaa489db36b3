// The data set's side of a recorded step; csrc/cpu/gather_rows.cpp defines each kernel. Nothing outside an array is ever touched.
//
// gather_rows  y[r] = data[perm[cursor + r]], converted; where the cursor or an entry of perm is outside: NaN, or 0 for integers
// store_rows   all[cursor + r] = batch[r]; rows past the end are dropped
//
// One element of the output a thread, 256 threads a block, a stride of the whole grid. No shared memory. Defines: KG_FROM, KG_T.
#include "numeric.cuh"

namespace kg {

typedef KG_FROM From;
typedef KG_T T;
struct RowsParams {
  const From* data;
  const int64_t *perm, *cursor;
  T* y;
  int64_t rows, inner, total, batch;
};
KG_KERNEL(gather_rows, RowsParams, 256) {
  const int64_t cursor = *p.cursor;
  const bool inside = cursor >= 0 && p.batch <= p.total && cursor <= p.total - p.batch;
  for (int64_t e = global_index(); e < p.batch * p.inner; e += global_size()) {
    const int64_t r = e / p.inner, i = e - r * p.inner;
    const int64_t from = inside ? p.perm[cursor + r] : -1;
    if (from >= 0 && from < p.rows)
      p.y[e] = convert<T>(p.data[from * p.inner + i]);
    else
      p.y[e] = convert<T>(not_a_number());
  }
}
KG_KERNEL(store_rows, RowsParams, 256) {  // data: the batch, rows: of y
  const int64_t cursor = *p.cursor;
  if (cursor < 0 || cursor > p.rows) return;
  const int64_t left = p.rows - cursor, rows = p.batch < left ? p.batch : left;
  for (int64_t e = global_index(); e < rows * p.inner; e += global_size()) p.y[cursor * p.inner + e] = convert<T>(p.data[e]);
}

}  // namespace kg
