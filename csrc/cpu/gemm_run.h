// From checked arguments to matrix products: the batch loop and its scratch memory.
#pragma once
#include <atomic>

#include "gemm.h"
#include "gemm_block.h"
#include "pool.h"

namespace KG_NS {

constexpr double kBatchFlops = 1 << 23;  // above this the threads share one product rather than the batch

// Memory from the pool, given back at the end of the scope.
class Scratch {
 public:
  explicit Scratch(int64_t bytes) : block_(bytes > 0 ? pool_allocate(bytes) : nullptr) {}
  ~Scratch() {
    if (block_) pool_free(block_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class S> S* as() const { return static_cast<S*>(block_); }

 private:
  void* block_;
};

// Pieces of scratch memory for chunks that run at the same time: at most one per thread.
template <class S> class Slots {
 public:
  Slots(int count, int64_t elements)
      : count_(count), stride_(round_up(elements, 16)), memory_(count * stride_ * int64_t(sizeof(S))) {
    for (int s = 0; s < count_; ++s) taken_[s].store(false, std::memory_order_relaxed);
  }
  static constexpr int kMost = 64;

  template <class F> void with(const F& body) {
    if (stride_ == 0) return body(static_cast<S*>(nullptr));
    for (int s = 0;; s = (s + 1) % count_) {
      if (taken_[s].exchange(true, std::memory_order_acquire)) continue;
      body(memory_.template as<S>() + s * stride_);
      return taken_[s].store(false, std::memory_order_release);
    }
  }

 private:
  const int count_;
  const int64_t stride_;
  Scratch memory_;
  std::atomic<bool> taken_[kMost];
};

template <class T, class S> void gemm_batches(const GemmCall& g, const T* a, const T* b, T* c, const S* bias,
                                              const T* relu_output) {
  Product<T, S> x;
  x.m = g.m, x.n = g.n, x.k = g.k;
  x.trans_a = g.trans_a && g.m > 1 && g.k > 1;
  x.trans_b = g.trans_b && g.n > 1 && g.k > 1;
  x.finish.alpha = static_cast<S>(g.alpha);
  if (g.bias_kind == 1) x.finish.column_bias = bias;
  if (g.bias_kind == 2) x.finish.row_bias = bias;
  x.finish.relu = g.relu;
  x.finish.accumulate = g.accumulate;
  int64_t a_stride = g.a_stride, b_stride = g.b_stride;
  if (x.n == 1 && x.m > 1) {  // one column: as the transposed product, which has one row
    std::swap(a, b);
    std::swap(a_stride, b_stride);
    std::swap(x.m, x.n);
    std::swap(x.finish.column_bias, x.finish.row_bias);
    x.trans_b = !x.trans_a && x.k > 1;
    x.trans_a = false;
  }
  const Plan plan = make_plan<T, S>(x.m, x.n, x.k, x.trans_a, x.trans_b);
  auto entry = [&](int64_t index, S* scratch) {
    Product<T, S> y = x;
    y.a = a + index * a_stride, y.b = b + index * b_stride, y.c = c + index * g.m * g.n;
    y.relu_output = relu_output ? relu_output + index * g.m * g.n : nullptr;
    Block<T, S>(y, plan, scratch).run();
  };

  const double flops = 2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k) + 64;
  if (g.batch == 1 || flops > kBatchFlops) {
    constexpr int64_t kLocal = 16384 / int64_t(sizeof(S));
    if (plan.scratch() <= kLocal) {
      alignas(64) S local[kLocal];
      for (int64_t i = 0; i < g.batch; ++i) entry(i, local);
      return;
    }
    const Scratch scratch(plan.scratch() * int64_t(sizeof(S)));
    for (int64_t i = 0; i < g.batch; ++i) entry(i, scratch.as<S>());
    return;
  }
  const int64_t group = flops < kChunkFlops ? static_cast<int64_t>(kChunkFlops / flops) : 1;
  const int64_t chunks = ceil_div(g.batch, group);
  Slots<S> slots(static_cast<int>(min_of(min_of(num_threads(), Slots<S>::kMost), chunks)), plan.scratch());
  parallel_for(chunks, [&](int64_t chunk) {
    slots.with([&](S* scratch) {
      for (int64_t i = chunk * group; i < min_of(g.batch, (chunk + 1) * group); ++i) entry(i, scratch);
    });
  });
}

}  // namespace KG_NS
