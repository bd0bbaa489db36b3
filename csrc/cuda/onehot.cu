// one_hot: y[o, k, i] = 1 where indices[o, i] == k, else 0; y (outer, depth, inner); csrc/cpu/onehot.cpp defines it. (bincount sorts:
// scatter.cu.)
//
// One element of the output a thread, 256 threads a block, a stride of the whole grid. No shared memory. Defines: KG_T.
#include "numeric.cuh"

namespace kg {

typedef KG_T T;
struct OneHotParams {
  const void* indices;
  T* y;
  int64_t size, depth, inner;
  int32_t dtype;
};
KG_KERNEL(one_hot, OneHotParams, 256) {
  const T one = convert<T>(1), zero = convert<T>(0);
  for (int64_t e = global_index(); e < p.size; e += global_size()) {
    const int64_t row = e / p.inner, i = e - row * p.inner, o = row / p.depth, k = row - o * p.depth;
    // An unsigned index above 2^63 becomes negative: no class.
    p.y[e] = load_as<int64_t>(p.indices, p.dtype, o * p.inner + i) == k ? one : zero;
  }
}

}  // namespace kg
