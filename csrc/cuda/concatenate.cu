// concatenate, split: copy_rows moves `rows` runs of `width` words from one pitch to another, a launch for each array that is joined
// or cut off; csrc/cpu/concatenate.cpp defines both.
//
// One word a thread, 256 threads a block, a stride of the whole grid. No shared memory. Defines: KG_W a word.
#include "numeric.cuh"

namespace kg {

typedef KG_W W;

struct Params {
  const W* x;
  W* y;
  int64_t rows, width, x_pitch, y_pitch;  // in words
};
KG_KERNEL(copy_rows, Params, 256) {
  for (int64_t i = global_index(); i < p.rows * p.width; i += global_size()) {
    const int64_t row = i / p.width, column = i - row * p.width;
    p.y[row * p.y_pitch + column] = p.x[row * p.x_pitch + column];
  }
}

}  // namespace kg
