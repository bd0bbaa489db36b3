// The column sums of an operand as a second output of a kernel that reads it, with the bits of `reduce`.
#pragma once
#include "reduce_fold.h"

namespace KG_NS {

// Output 1 (columns,) = the sums of input `from` (rows, columns), whose size is checked; S: the type to sum in.
template <class T, class S> void put_column_sums(const Call& call, int from, int64_t rows, int64_t columns) {
  output<T>(call, 1, columns);
  if (columns == 0) return;
  const Call sum{call.name, call.in + from, call.out + 1, nullptr, nullptr, 1, 1, 0, 0};
  Reducer<S>(sum, kSum, rows).run(1, rows, columns);
}

}  // namespace KG_NS
