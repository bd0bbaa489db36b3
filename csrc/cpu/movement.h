// Shared by the kernels that move bytes: operand checks by item size, and the strided copy that most of them reduce to.
//
// These kernels never look at values, so they dispatch on the item size (1, 2, 4, 8) and not on the dtype.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernel.h"
#include "parallel.h"

namespace KG_NS {

constexpr int kMaxDims = 16;
constexpr int64_t kCopyGrain = 1 << 16;  // bytes that one task moves: about 5 us

// Raw pointer to operand k after checking that it holds `count` items of the same dtype as output 0.
inline const char* raw_input(const Call& call, int k, int64_t count) {
  if (k >= call.n_in) fail(call, "number of inputs", call.n_in, k + 1);
  if (call.n_out < 1) fail(call, "number of outputs", call.n_out, 1);
  const Buffer& b = call.in[k];
  if (b.dtype != call.out[0].dtype) fail_dtype(call, "input", k, b.dtype, dtype_name(call.out[0].dtype));
  const int64_t have = b.bytes / dtype_size(b.dtype);
  if (count < 0 || have < count) fail(call, "input elements", have, count);
  return static_cast<const char*>(b.data);
}
inline char* raw_output(const Call& call, int k, int64_t count) {
  if (k >= call.n_out) fail(call, "number of outputs", call.n_out, k + 1);
  const Buffer& b = call.out[k];
  if (b.dtype != call.out[0].dtype) fail_dtype(call, "output", k, b.dtype, dtype_name(call.out[0].dtype));
  const int64_t have = b.bytes / dtype_size(b.dtype);
  if (count < 0 || have < count) fail(call, "output elements", have, count);
  return static_cast<char*>(b.data);
}
inline int64_t item_size(const Call& call) { return call.n_out > 0 ? dtype_size(call.out[0].dtype) : 0; }

// f(T{}) with the unsigned integer of that many bytes.
template <class F> void by_item_size(int64_t bytes, const F& f) {
  switch (bytes) {
    case 1: return f(uint8_t{});
    case 2: return f(uint16_t{});
    case 4: return f(uint32_t{});
    default: return f(uint64_t{});
  }
}

// ints[at] is a number of dimensions: checks it and that `lists` lists of that length follow it.
inline int read_ndim(const Call& call, int at, int lists) {
  if (call.n_i <= at) fail(call, "number of integer parameters", call.n_i, at + 1);
  const int64_t ndim = call.i[at];
  if (ndim < 0 || ndim > kMaxDims) fail(call, "number of dimensions", ndim, kMaxDims);
  if (call.n_i < at + 1 + lists * ndim) fail(call, "number of integer parameters", call.n_i, at + 1 + lists * ndim);
  return static_cast<int>(ndim);
}

inline int64_t product(const Call& call, const int64_t* dims, int ndim) {
  int64_t p = 1;
  for (int d = 0; d < ndim; ++d) p = checked_mul(call, p, dims[d]);
  return p;
}

// A copy between two strided views; strides count items. The caller has checked that both stay inside their buffers.
struct Strided {
  int ndim = 0;
  int64_t dims[kMaxDims], in[kMaxDims], out[kMaxDims];
  void add(int64_t dim, int64_t in_stride, int64_t out_stride) {
    dims[ndim] = dim;
    in[ndim] = in_stride;
    out[ndim++] = out_stride;
  }
};

// Drops dimensions of size 1 and merges neighbours that are one run in both views.
inline Strided collapse(const Strided& s) {
  Strided r;
  for (int d = 0; d < s.ndim; ++d) {
    if (s.dims[d] == 1) continue;
    const int last = r.ndim - 1;
    if (last >= 0 && r.in[last] == s.in[d] * s.dims[d] && r.out[last] == s.out[d] * s.dims[d]) {
      r.dims[last] *= s.dims[d];
      r.in[last] = s.in[d];
      r.out[last] = s.out[d];
    } else {
      r.add(s.dims[d], s.in[d], s.out[d]);
    }
  }
  if (r.ndim == 0) r.add(1, 1, 1);
  return r;
}

// In transpose.cpp; `in` and `out` point at the first item of each view. dims must not be 0.
void strided_copy(const char* in, char* out, int64_t item, const Strided& view);

// In copy.cpp: `rows` blocks of `bytes` bytes from one pitch to another, over threads.
void copy_rows(const char* in, int64_t in_pitch, char* out, int64_t out_pitch, int64_t rows, int64_t bytes);

}  // namespace KG_NS
