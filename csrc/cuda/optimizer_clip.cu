// What optimizers do around the update, on up to 48 tensors a launch; csrc/cpu/optimizer_clip.cpp has the formulas.
//
// square_pieces  sum of squares of each piece of 2048 elements, in double, to scratch memory
// square_join    block k: the sum of tensor k's pieces; mode 1: one block, the sum of all pieces. accumulate adds to what is there
// clip           mode 0 by value, 1 by each tensor's norm, 2 by the norm of all
// ema            average = momentum average + (1 - momentum) x; the first step copies
//
// A block of 256 threads takes a piece. Sums are joined in a fixed order. Shared memory: 8 partial sums. Defines: KG_T.
#include "optimizer.cuh"

namespace kg {

KG_KERNEL(square_pieces, Params, 256) {
  KG_SHARED(double, room, [8]);
  const Piece piece = own_piece(p);
  const T* x = static_cast<const T*>(p.tensor[0][piece.k]);
  double sum = 0;
  for (int64_t i = piece.begin + thread_index(); i < piece.end; i += 256) {
    const double v = widen(x[i]);
    sum += v * v;
  }
  sum = join_block(sum, room, SumJoin());
  if (thread_index() == 0) p.partial[p.first_piece + blockIdx.x] = sum;
}

KG_KERNEL(square_join, Params, 256) {
  KG_SHARED(double, room, [8]);
  const int64_t k = blockIdx.x;
  const int64_t begin = p.mode ? 0 : p.first_piece + p.piece[k], end = p.mode ? p.first_piece : p.first_piece + p.piece[k + 1];
  double sum = 0;
  for (int64_t q = begin + thread_index(); q < end; q += 256) sum += p.partial[q];
  sum = join_block(sum, room, SumJoin());
  double* to = static_cast<double*>(p.shared) + p.first_tensor + k;
  if (thread_index() == 0) *to = (p.accumulate ? *to : 0.0) + sum;
}

KG_KERNEL(clip, Params, 256) {
  const Piece piece = own_piece(p);
  const T* x = static_cast<const T*>(p.tensor[0][piece.k]);
  T* y = static_cast<T*>(p.tensor[1][piece.k]);
  const C bound = (C)p.f[0];
  C norm = 0;
  if (p.mode) norm = (C)root(static_cast<const double*>(p.shared)[p.mode == 1 ? p.first_tensor + piece.k : 0]);
  const C divisor = norm > bound || norm != norm ? norm : bound;
  const C small = 1 / norm < 1 / bound ? 1 / norm : 1 / bound;
  const C scale = bound * (1 / bound < 1 / norm || norm != norm ? 1 / bound : small) + (norm - norm);
  for (int64_t i = piece.begin + thread_index(); i < piece.end; i += 256) {
    const C v = widen(x[i]);
    if (p.mode == 0)
      y[i] = narrow<T>(v > bound ? bound : v < -bound ? -bound : v);
    else
      y[i] = narrow<T>(p.mode == 1 ? v * bound / divisor : v * scale);
  }
}

KG_KERNEL(ema, Params, 256) {
  const Piece piece = own_piece(p);
  const T* x = static_cast<const T*>(p.tensor[0][piece.k]);
  T* average = static_cast<T*>(p.tensor[1][piece.k]);
  const C momentum = read_iterations(p) == 0 ? C(0) : (C)p.f[0], gain = 1 - momentum;
  for (int64_t i = piece.begin + thread_index(); i < piece.end; i += 256)
    average[i] = narrow<T>(momentum * widen(average[i]) + gain * widen(x[i]));
}

}  // namespace kg
