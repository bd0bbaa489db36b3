#include "overlap.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace kg {
namespace {

constexpr int32_t kPairs = 4096;  // operand pairs up to which comparing all is quicker than sorting

inline bool apart(const Buffer& a, const Buffer& b) {
  const auto p = reinterpret_cast<uintptr_t>(a.data), q = reinterpret_cast<uintptr_t>(b.data);
  return p + uintptr_t(a.bytes) <= q || q + uintptr_t(b.bytes) <= p || a.bytes == 0 || b.bytes == 0;
}

// Kernels that write an output only where they have read the same element of every input before.
bool works_in_place(const char* kernel) {
  static const char* const names[] = {"elementwise", "advance", "advance_seed"};
  for (const char* name : names)
    if (std::strcmp(kernel, name) == 0) return true;
  return false;
}

void pair(const Call& call, const Buffer& out, const Buffer& other, bool input) {
  if (apart(out, other)) return;
  if (!input) fail_message(call, "two outputs share memory; give each an array of its own");
  if (out.data != other.data || out.bytes != other.bytes || dtype_size(out.dtype) != dtype_size(other.dtype))
    fail_message(call, "an output shares part of its memory with an input; copy the input first");
  if (!works_in_place(call.name)) fail_message(call, "this kernel does not work in place; give the output an array of its own");
}

struct Span {
  uintptr_t begin, end;
  const Buffer* buffer;
  bool input;
};

// Many operands: in the order of their addresses only neighbours can overlap.
void check_sorted(const Call& call) {
  std::vector<Span> spans;
  spans.reserve(size_t(call.n_in) + size_t(call.n_out));
  const auto add = [&](const Buffer& b, bool input) {
    const auto p = reinterpret_cast<uintptr_t>(b.data);
    if (b.bytes > 0) spans.push_back({p, p + uintptr_t(b.bytes), &b, input});
  };
  for (int32_t k = 0; k < call.n_in; ++k) add(call.in[k], true);
  for (int32_t k = 0; k < call.n_out; ++k) add(call.out[k], false);
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  for (size_t k = 0; k < spans.size(); ++k)
    for (size_t j = k + 1; j < spans.size() && spans[j].begin < spans[k].end; ++j) {
      if (!spans[k].input) pair(call, *spans[k].buffer, *spans[j].buffer, spans[j].input);
      if (spans[k].input && !spans[j].input) pair(call, *spans[j].buffer, *spans[k].buffer, true);
    }
}

}  // namespace

void check_overlap(const Call& call) {
  if (int64_t(call.n_out) * (call.n_in + call.n_out) > kPairs) return check_sorted(call);
  for (int32_t o = 0; o < call.n_out; ++o) {
    for (int32_t k = 0; k < call.n_in; ++k) pair(call, call.out[o], call.in[k], true);
    for (int32_t k = 0; k < o; ++k) pair(call, call.out[o], call.out[k], false);
  }
}

}  // namespace kg
