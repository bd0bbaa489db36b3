// Depthwise convolution in registers: a block of columns of one row at a time, for float32 and the usual windows.
//
// The sums of W columns and the weights of a line of taps stay in registers, so that each element of the source is read once
// per line of taps and not once per tap. Blocks follow each other along the row, and within a block all channels, so that memory
// is read in the order in which it lies. The last block of a row may overlap the one before it and writes the same values again.
#include "depthwise.h"

namespace KG_NS {
namespace {

#define KG_INLINE __attribute__((always_inline))

// Columns [o, o + W) of out: source columns first + i are read for i in [0, (W - 1) S + K).
template <int K, int S, int W, bool kGuard>
void gather_block(const DepthwiseRow<float>& r, int64_t o, int64_t first, int64_t c_begin, int64_t c_end) {
  constexpr int kColumns = (W - 1) * S + K;
  const int64_t channels = r.channels;
  float* out = r.out + o * channels;
  each_vector<kLanes>(c_begin, c_end, [&](int64_t c) KG_INLINE {
    vf sum[W] = {};
    each_line(r, first * channels + c, c * r.weights_c, [&](const float* line, const float* weights) KG_INLINE {
      vf w[K];
      unrolled<K>([&](auto t) KG_INLINE { w[t] = vload(weights + t * r.weights_x); });
      unrolled<kColumns>([&](auto i) KG_INLINE {
        constexpr int I = decltype(i)::value;
        if (kGuard && (first + I < 0 || first + I >= r.source_width)) return;
        const vf x = in_register(vload(line + I * channels));
        unrolled<K>([&](auto t) KG_INLINE {
          constexpr int T = decltype(t)::value;
          if constexpr (I >= T && (I - T) % S == 0 && (I - T) / S < W) sum[(I - T) / S] = fma(x, w[T], sum[(I - T) / S]);
        });
      });
    });
    const vf bias = r.bias ? vload(r.bias + c) : vf{};
    unrolled<W>([&](auto j) KG_INLINE { vstore(out + j * channels + c, depthwise_finish(r, sum[j], bias)); });
  });
}

// Columns x0 + [0, W S) of out from source columns o - (K - 1) / S ... o + W - 1, where x0 = o S - before.
template <int K, int S, int W, bool kGuard>
void spread_block(const DepthwiseRow<float>& r, int64_t o, int64_t x0, int64_t begin, int64_t end, int64_t c_begin,
                  int64_t c_end) {
  constexpr int kAhead = (K - 1) / S;
  const int64_t channels = r.channels;
  each_vector<kLanes>(c_begin, c_end, [&](int64_t c) KG_INLINE {
    vf sum[W * S] = {};
    each_line(r, o * channels + c, c * r.weights_c, [&](const float* line, const float* weights) KG_INLINE {
      vf w[K];
      unrolled<K>([&](auto t) KG_INLINE { w[t] = vload(weights + t * r.weights_x); });
      unrolled<W + kAhead>([&](auto i) KG_INLINE {
        constexpr int I = decltype(i)::value - kAhead;
        if (kGuard && (o + I < 0 || o + I >= r.source_width)) return;
        const vf x = in_register(vload(line + I * channels));
        unrolled<K>([&](auto t) KG_INLINE {
          constexpr int J = I * S + decltype(t)::value;
          if constexpr (J >= 0 && J < W * S) sum[J] = fma(x, w[t], sum[J]);
        });
      });
    });
    unrolled<W * S>([&](auto j) KG_INLINE {
      if (!kGuard || (x0 + j >= begin && x0 + j < end)) vstore(r.out + (x0 + j) * channels + c, sum[j]);
    });
  });
}

template <int K, int S, int W>
void gather_blocks(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin,
                   int64_t c_end) {
  for (int64_t from = begin; from < end; from += W) {
    const int64_t o = min_of(from, end - W), first = o * S - b.before;
    if (first < 0 || first + (W - 1) * S + K > r.source_width)
      gather_block<K, S, W, true>(r, o, first, c_begin, c_end);
    else
      gather_block<K, S, W, false>(r, o, first, c_begin, c_end);
  }
}

template <int K, int S>
void gather(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
  // The block width that computes the fewest columns, each block costing about one more.
  int64_t best = 2, least = INT64_MAX;
  for (int64_t w : {8, 7, 4, 2}) {
    const int64_t cost = ceil_div(end - begin, w) * (w + 1);
    if (w <= end - begin && cost < least) best = w, least = cost;
  }
  switch (best) {
    case 8: return gather_blocks<K, S, 8>(r, b, begin, end, c_begin, c_end);
    case 7: return gather_blocks<K, S, 7>(r, b, begin, end, c_begin, c_end);
    case 4: return gather_blocks<K, S, 4>(r, b, begin, end, c_begin, c_end);
    default: return gather_blocks<K, S, 2>(r, b, begin, end, c_begin, c_end);
  }
}

template <int K>
void spread(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
  constexpr int S = 2, W = 4;
  const int64_t start = (begin + b.before) / S;
  for (int64_t o = start; o * S - b.before < end; o += W) {
    const int64_t x0 = o * S - b.before;
    if (x0 < begin || x0 + W * S > end || o - (K - 1) / S < 0 || o + W > r.source_width)
      spread_block<K, S, W, true>(r, o, x0, begin, end, c_begin, c_end);
    else
      spread_block<K, S, W, false>(r, o, x0, begin, end, c_begin, c_end);
  }
}

}  // namespace

bool gather_row(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
  if (end - begin < 2 || c_end - c_begin < kLanes) return false;
  if (b.taps == 3 && b.stride == 1)
    gather<3, 1>(r, b, begin, end, c_begin, c_end);
  else if (b.taps == 3 && b.stride == 2)
    gather<3, 2>(r, b, begin, end, c_begin, c_end);
  else if (b.taps == 5 && b.stride == 1)
    gather<5, 1>(r, b, begin, end, c_begin, c_end);
  else if (b.taps == 5 && b.stride == 2)
    gather<5, 2>(r, b, begin, end, c_begin, c_end);
  else
    return false;
  return true;
}

bool spread_row(const DepthwiseRow<float>& r, const BlockShape& b, int64_t begin, int64_t end, int64_t c_begin, int64_t c_end) {
  if (end - begin < 2 || c_end - c_begin < kLanes || b.stride != 2) return false;
  if (b.taps == 3)
    spread<3>(r, b, begin, end, c_begin, c_end);
  else if (b.taps == 5)
    spread<5>(r, b, begin, end, c_begin, c_end);
  else
    return false;
  return true;
}

}  // namespace KG_NS
