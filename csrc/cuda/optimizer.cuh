// What the multi-tensor kernels share: a table of up to 48 tensors in the parameters, and which piece of which tensor a block has.
#pragma once
#include "block.cuh"

namespace kg {

typedef KG_T T;
typedef compute<T> C;
constexpr int kTensors = 48;  // the parameters of a kernel hold 4 KiB
constexpr int kPiece = 2048;  // elements that one block takes
constexpr int kOperands = 5;  // gradient, variable, three slots

struct Params {
  void* tensor[kOperands][kTensors];
  const void *rate, *iterations;  // float or double; int32 or int64
  void* shared;                   // u_product of Nadam, or the sums of multi_clip and square_sum
  double* partial;                // scratch: results of pieces
  int64_t count[kTensors];
  int64_t first_piece;  // number of this launch's first piece among all
  double weight_decay;
  double f[5];
  uint64_t decays;              // bit k: weight decay applies to tensor k
  int32_t piece[kTensors + 1];  // the first piece of each tensor, from 0
  int32_t n, wide_rate, wide_iterations, mode, first_tensor, accumulate;
};

KG_DEVICE float root(float x) { return ::sqrtf(x); }
KG_DEVICE double root(double x) { return ::sqrt(x); }
KG_DEVICE float raised_to(float x, float y) { return ::powf(x, y); }
KG_DEVICE double raised_to(double x, double y) { return ::pow(x, y); }

// base^n for n >= 0 by repeated squaring, as on the CPU.
KG_DEVICE double power(double base, int64_t n) {
  double result = 1;
  for (; n > 0; n >>= 1, base *= base)
    if (n & 1) result *= base;
  return result;
}

KG_DEVICE double read_rate(const Params& p) {
  return p.wide_rate ? *static_cast<const double*>(p.rate) : *static_cast<const float*>(p.rate);
}
KG_DEVICE int64_t read_iterations(const Params& p) {
  return p.wide_iterations ? *static_cast<const int64_t*>(p.iterations) : *static_cast<const int32_t*>(p.iterations);
}

// What every rule starts with.
template <class C> struct Common {
  C weight_decay, rate;
  int64_t step;  // from 1
  KG_DEVICE void read(const Params& p) {
    weight_decay = (C)p.weight_decay;
    rate = (C)read_rate(p);
    step = read_iterations(p) + 1;
  }
};

// The piece of this block: elements begin to end of tensor k.
struct Piece {
  int k;
  int64_t begin, end;
};
KG_DEVICE Piece own_piece(const Params& p) {
  int low = 0, high = p.n;  // the last tensor that begins at or before this block
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (p.piece[middle] <= (int)blockIdx.x)
      low = middle;
    else
      high = middle;
  }
  const int64_t begin = (int64_t)((int)blockIdx.x - p.piece[low]) * kPiece;
  const int64_t end = begin + kPiece < p.count[low] ? begin + kPiece : p.count[low];
  return {low, begin, end};
}

}  // namespace kg
