#include "overlap.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kg {
namespace {

constexpr int32_t kPairs = 4096;  // operand pairs up to which comparing all is quicker than sorting

inline bool apart(const Buffer& a, const Buffer& b) {
  const auto p = reinterpret_cast<uintptr_t>(a.data), q = reinterpret_cast<uintptr_t>(b.data);
  return p + uintptr_t(a.bytes) <= q || q + uintptr_t(b.bytes) <= p || a.bytes == 0 || b.bytes == 0;
}

// Output `out` and operand `k`, an input or another output.
void pair(const Call& call, InPlace in_place, int out, int k, bool input) {
  const Buffer &to = call.out[out], &other = input ? call.in[k] : call.out[k];
  if (apart(to, other)) return;
  if (!input) fail_message(call, "two outputs share memory; give each an array of its own");
  if (to.data != other.data || to.bytes != other.bytes || dtype_size(to.dtype) != dtype_size(other.dtype))
    fail_message(call, "an output shares part of its memory with an input; copy the input first");
  if (in_place && in_place(call, out, k)) return;
  const std::string pair = "output " + std::to_string(out) + " is input " + std::to_string(k);
  fail_message(call, (pair + ", and there the kernel does not work in place; give the output an array of its own").c_str());
}

struct Span {
  uintptr_t begin, end;
  int number;
  bool input;
};

// Many operands: in the order of their addresses only neighbours can overlap.
void check_sorted(const Call& call, InPlace in_place) {
  std::vector<Span> spans;
  spans.reserve(size_t(call.n_in) + size_t(call.n_out));
  const auto add = [&](const Buffer& b, int number, bool input) {
    const auto p = reinterpret_cast<uintptr_t>(b.data);
    if (b.bytes > 0) spans.push_back({p, p + uintptr_t(b.bytes), number, input});
  };
  for (int32_t k = 0; k < call.n_in; ++k) add(call.in[k], k, true);
  for (int32_t k = 0; k < call.n_out; ++k) add(call.out[k], k, false);
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  for (size_t k = 0; k < spans.size(); ++k)
    for (size_t j = k + 1; j < spans.size() && spans[j].begin < spans[k].end; ++j) {
      const Span &a = spans[k], &b = spans[j];
      if (!a.input) pair(call, in_place, a.number, b.number, b.input);
      if (a.input && !b.input) pair(call, in_place, b.number, a.number, true);
    }
}

}  // namespace

void check_overlap(const Call& call, InPlace in_place) {
  if (int64_t(call.n_out) * (call.n_in + call.n_out) > kPairs) return check_sorted(call, in_place);
  for (int32_t o = 0; o < call.n_out; ++o) {
    for (int32_t k = 0; k < call.n_in; ++k) pair(call, in_place, o, k, true);
    for (int32_t k = 0; k < o; ++k) pair(call, in_place, o, k, false);
  }
}

}  // namespace kg
