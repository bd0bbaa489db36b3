// Reads a Window from the integer parameters of a call and checks that everything computed from it fits in 64 bits.
#pragma once
#include <initializer_list>

#include "../common/window.h"
#include "kernel.h"

namespace KG_NS {

inline int64_t volume(const int64_t (&dims)[3]) { return dims[0] * dims[1] * dims[2]; }

// call.i[at], ...: the fields of the window. The caller has asked for at + kWindowInts integers.
inline Window read_window(const Call& call, int at) {
  constexpr int64_t kMost = int64_t(1) << 31;
  Window w;
  const int64_t* i = call.i + at;
  for (int64_t* field : {w.size, w.count, w.kernel, w.stride, w.dilation, w.before})
    for (int d = 0; d < 3; ++d) {
      if (*i < 0 || *i > kMost) fail(call, "window parameter", *i, kMost);
      field[d] = *i++;
    }
  for (int d = 0; d < 3; ++d)
    if (w.stride[d] < 1 || w.dilation[d] < 1 || w.kernel[d] < 1) fail(call, "window parameter", 0, 1);
  for (const auto& dims : {w.size, w.count, w.kernel}) checked_mul(call, checked_mul(call, dims[0], dims[1]), dims[2]);
  return w;
}

}  // namespace KG_NS
