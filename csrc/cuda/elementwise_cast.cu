// cast: y[i] = x[i] in another dtype, i < n; conversions as in numeric.cuh.
//
// Grid: 256 threads a block, one element a thread and a stride of the whole grid. No shared memory.
// Defines: KG_FROM. The target dtype is read from the parameters: one branch that all threads take alike.
#include "numeric.cuh"

namespace kg {

typedef KG_FROM From;

struct Params {
  const From* x;
  void* y;
  int64_t n;
  int32_t dtype;
};

KG_KERNEL(cast, Params, 256) {
  for (int64_t i = global_index(); i < p.n; i += global_size()) {
    if constexpr (is_same<From, bool>)
      store_as<uint8_t>(p.y, p.dtype, i, load<uint8_t>(p.x, i));
    else
      store_as<From>(p.y, p.dtype, i, p.x[i]);
  }
}

}  // namespace kg
