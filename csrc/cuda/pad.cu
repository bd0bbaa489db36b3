// pad: y.shape[d] = low[d] + dims[d] + high[d]; modes constant, reflect, symmetric, edge as in csrc/cpu/pad.cpp.
//
// One element of y a thread, 256 threads a block, a stride of the whole grid. No shared memory. Defines: KG_W the word.
#include "numeric.cuh"

namespace kg {

typedef KG_W W;
constexpr int kDims = 16;

struct Params {
  const W* x;
  W* y;
  int64_t size, dims[kDims], low[kDims], total[kDims];
  uint64_t blank;  // bits of the constant
  int32_t ndim, mode;
};

enum Mode { kConstant, kReflect, kSymmetric, kEdge };

// The coordinate in x that coordinate c (counted from the first real one) shows, -1 for the constant.
KG_DEVICE int64_t source(int64_t c, int64_t n, int mode) {
  if (c >= 0 && c < n) return c;
  if (mode == kConstant) return -1;
  if (mode == kEdge) return c < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  const int64_t period = mode == kReflect ? 2 * n - 2 : 2 * n;
  c = (c % period + period) % period;
  if (c < n) return c;
  return mode == kReflect ? period - c : period - 1 - c;
}

KG_KERNEL(pad, Params, 256) {
  for (int64_t i = global_index(); i < p.size; i += global_size()) {
    int64_t rest = i, at = 0, stride = 1;
    bool real = true;
    for (int d = p.ndim - 1; d >= 0; --d) {
      const int64_t next = rest / p.total[d];
      const int64_t c = source(rest - next * p.total[d] - p.low[d], p.dims[d], p.mode);
      if (c < 0) real = false;
      at += c * stride;
      stride *= p.dims[d];
      rest = next;
    }
    p.y[i] = real ? p.x[at] : (W)p.blank;
  }
}

}  // namespace kg
