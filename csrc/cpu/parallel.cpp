// The thread pool behind parallel_for: workers spin for a short while between jobs, then sleep.
//
// A job is published by bumping `epoch`; workers and the caller take chunks from one atomic counter. The caller waits
// until every worker that joined has left the job, so that `body` and `context` may live on its stack.
#include "parallel.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace kg {
namespace {

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How long a worker polls for the next job before it sleeps: longer than the gap between two kernels of a step.
constexpr auto kSpin = std::chrono::microseconds(60);

class Pool {
 public:
  void resize(int n) {
    std::lock_guard<std::mutex> lock(run_mutex_);
    stop();
    wanted_ = n < 1 ? 1 : n;
  }

  int size() const { return wanted_; }

  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
    // Another thread is using the pool: its chunks and ours do not depend on who runs them.
    std::unique_lock<std::mutex> lock(run_mutex_, std::try_to_lock);
    if (!lock.owns_lock() || wanted_ == 1) {
      for (int64_t c = 0; c < chunks; ++c) body(context, c);
      return;
    }
    if (workers_.empty()) start();
    body_ = body;
    context_ = context;
    chunks_ = chunks;
    next_.store(0, std::memory_order_relaxed);
    left_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> sleep_lock(sleep_mutex_);
      wake_.notify_all();
    }
    take_chunks();
    while (left_.load(std::memory_order_acquire) > 0) cpu_relax();
  }

  // In a forked child the worker threads are gone: forget them and start new ones on demand.
  void after_fork_in_child() {
    for (auto& w : workers_) w.detach();
    new (this) Pool(wanted_);
  }

  explicit Pool(int n) : wanted_(n) {}

 private:
  void take_chunks() {
    for (;;) {
      const int64_t c = next_.fetch_add(1, std::memory_order_relaxed);
      if (c >= chunks_) return;
      body_(context_, c);
    }
  }

  void start() {
    quit_.store(false);
    const uint64_t seen = epoch_.load();
    for (int i = 1; i < wanted_; ++i) workers_.emplace_back([this, seen] { work(seen); });
  }

  void stop() {
    if (workers_.empty()) return;
    quit_.store(true);
    {
      std::lock_guard<std::mutex> lock(sleep_mutex_);
      wake_.notify_all();
    }
    for (auto& w : workers_) w.join();
    workers_.clear();
  }

  void work(uint64_t seen);

  int wanted_;
  std::vector<std::thread> workers_;
  std::mutex run_mutex_, sleep_mutex_;
  std::condition_variable wake_;
  alignas(64) std::atomic<uint64_t> epoch_{0};
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<int> left_{0};
  std::atomic<int> sleeping_{0};
  std::atomic<bool> quit_{false};
  void (*body_)(void*, int64_t) = nullptr;
  void* context_ = nullptr;
  int64_t chunks_ = 0;
};

thread_local bool inside_job = false;

void Pool::work(uint64_t seen) {
  inside_job = true;  // a kernel called from a worker stays serial
  for (;;) {
    auto since = std::chrono::steady_clock::now();
    int polls = 0;
    while (epoch_.load(std::memory_order_acquire) == seen && !quit_.load(std::memory_order_relaxed)) {
      cpu_relax();
      if ((++polls & 255) == 0 && std::chrono::steady_clock::now() - since > kSpin) {
        std::unique_lock<std::mutex> lock(sleep_mutex_);
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] { return epoch_.load(std::memory_order_seq_cst) != seen || quit_.load(); });
        sleeping_.fetch_sub(1, std::memory_order_seq_cst);
      }
    }
    if (quit_.load()) return;
    ++seen;
    take_chunks();
    left_.fetch_sub(1, std::memory_order_release);
  }
}

Pool& pool() {
  static Pool* p = [] {
    auto* made = new Pool(1);  // never destroyed: workers may outlive static destructors
    pthread_atfork(nullptr, nullptr, [] { pool().after_fork_in_child(); });
    return made;
  }();
  return *p;
}

}  // namespace

int num_threads() { return pool().size(); }
void set_num_threads(int n) { pool().resize(n); }

void parallel_run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  if (inside_job) {
    for (int64_t c = 0; c < chunks; ++c) body(context, c);
    return;
  }
  inside_job = true;
  pool().run(chunks, body, context);
  inside_job = false;
}

}  // namespace kg
