// tri_mask: y[o, i, j] = x[o, i, j] where low <= j - i <= high, else 0, for x (outer, rows, cols).
//
// One element of y a thread, 256 threads a block, a stride of the whole grid. No shared memory. Defines: KG_W the word.
#include "numeric.cuh"

namespace kg {

typedef KG_W W;

struct Params {
  const W* x;
  W* y;
  int64_t size, rows, cols, low, high;
};
KG_KERNEL(tri_mask, Params, 256) {
  for (int64_t i = global_index(); i < p.size; i += global_size()) {
    const int64_t diagonal = i % p.cols - i / p.cols % p.rows;
    p.y[i] = diagonal >= p.low && diagonal <= p.high ? p.x[i] : W(0);
  }
}

}  // namespace kg
