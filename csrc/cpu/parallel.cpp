// The thread pool behind parallel_for: workers spin for a short while between jobs, then sleep.
//
// One atomic word describes the current job: its number, how many workers may still join, how many joined. A worker enters a
// job by counting itself in with a compare-and-swap, which fails once the caller has closed the job; the caller waits only
// for workers that are in. So a worker that sleeps or is descheduled outside a job costs nothing, and `body` and
// `context`, which live on the caller's stack, are never touched after the caller has gone.
#include "parallel.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "prefetch.h"

namespace kg {
namespace {

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How long a worker polls for the next job before it sleeps: longer than what Python does between two steps. Waking it takes the
// caller's time as well.
constexpr auto kSpin = std::chrono::microseconds(200);
// How often the caller polls for the last chunks of the workers before it lets other threads run.
constexpr int kPollsBeforeYield = 4096;

// The word: job number (40 bits), workers that may still join (12 bits), workers that joined (12 bits).
constexpr int kCountBits = 12;
constexpr uint64_t kOneJoined = 1, kOneSeat = uint64_t(1) << kCountBits, kOneJob = uint64_t(1) << (2 * kCountBits);
constexpr int64_t kMostWorkers = (1 << kCountBits) - 1;
inline uint64_t job_of(uint64_t word) { return word >> (2 * kCountBits); }
inline uint64_t seats_of(uint64_t word) { return word / kOneSeat % (kMostWorkers + 1); }
inline uint64_t joined_of(uint64_t word) { return word % (kMostWorkers + 1); }

thread_local bool inside_job = false;

// Rows of memory to be asked for while there is nothing else to do, in pieces so small that the next job does not wait.
//
// A new wish may be written while the old one is granted: what a worker reads then belongs to either, and is only asked for.
class Wishes {
 public:
  void set(const char* const* rows, int64_t count, int64_t bytes) {
    next_.store(kNone, std::memory_order_relaxed);  // until all is written
    const int64_t pieces = (bytes + kPiece - 1) / kPiece;
    for (int64_t k = 0; k < count; ++k) rows_[k].store(reinterpret_cast<uintptr_t>(rows[k]), std::memory_order_relaxed);
    pieces_.store(pieces, std::memory_order_relaxed);
    end_.store(count * pieces, std::memory_order_relaxed);
    next_.store(0, std::memory_order_release);
  }
  void grant_one() {
    if (next_.load(std::memory_order_acquire) >= end_.load(std::memory_order_relaxed)) return;
    const int64_t pieces = pieces_.load(std::memory_order_relaxed), k = next_.fetch_add(1, std::memory_order_relaxed);
    const int64_t row = k / pieces;
    if (k >= end_.load(std::memory_order_relaxed) || row >= kMostWishes) return;
    const uintptr_t from = rows_[row].load(std::memory_order_relaxed) + static_cast<uintptr_t>(k % pieces * kPiece);
    for (uintptr_t at = from; at < from + kPiece; at += 64) __builtin_prefetch(reinterpret_cast<const void*>(at), 0, 2);
  }

 private:
  static constexpr int64_t kPiece = 256, kNone = int64_t(1) << 40;
  alignas(64) std::atomic<int64_t> next_{kNone};
  std::atomic<int64_t> end_{0}, pieces_{1};
  std::atomic<uintptr_t> rows_[kMostWishes] = {};
};

class Pool {
 public:
  explicit Pool(int n) : wanted_(n) {}

  int size() const { return wanted_.load(std::memory_order_relaxed); }

  void resize(int n) {
    std::lock_guard<std::mutex> lock(run_mutex_);
    stop();
    wanted_.store(n < 1 ? 1 : n, std::memory_order_relaxed);
  }

  void wish(const char* const* rows, int64_t count, int64_t bytes) {
    std::unique_lock<std::mutex> lock(run_mutex_, std::try_to_lock);
    if (lock.owns_lock() && !workers_.empty()) wishes_.set(rows, count, bytes);
  }

  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
    // Another thread is using the pool: its chunks and ours do not depend on who runs them.
    std::unique_lock<std::mutex> lock(run_mutex_, std::try_to_lock);
    if (!lock.owns_lock() || size() == 1) return serial(chunks, body, context);
    if (workers_.empty()) start();
    const int64_t workers = static_cast<int64_t>(workers_.size());
    if (workers == 0) return serial(chunks, body, context);
    const int64_t seats = chunks - 1 < workers ? chunks - 1 : workers;

    body_ = body;
    context_ = context;
    chunks_ = chunks;
    next_.store(0, std::memory_order_relaxed);
    finished_.store(0, std::memory_order_relaxed);
    word_.store((job_of(word_.load(std::memory_order_relaxed)) + 1) * kOneJob + static_cast<uint64_t>(seats) * kOneSeat,
                std::memory_order_seq_cst);
    // A worker counts itself as sleeping before it looks at the word for the last time, so one of us sees the other.
    const int64_t asleep = sleeping_.load(std::memory_order_seq_cst);
    if (seats > workers - asleep) wake(seats - (workers - asleep));

    take_chunks();
    // Close the job: nobody joins a word without seats.
    uint64_t word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, word - seats_of(word) * kOneSeat, std::memory_order_acq_rel)) {}
    const uint64_t joined = joined_of(word);
    for (int polls = 0; finished_.load(std::memory_order_acquire) < joined;) {
      cpu_relax();
      if (++polls % kPollsBeforeYield == 0) std::this_thread::yield();  // the worker may need this core
    }
    if (failed_.load(std::memory_order_relaxed)) {
      std::exception_ptr error = error_;
      error_ = nullptr;
      failed_.store(false, std::memory_order_relaxed);
      lock.unlock();
      std::rethrow_exception(error);
    }
  }

 private:
  static void serial(int64_t chunks, void (*body)(void*, int64_t), void* context) {
    for (int64_t c = 0; c < chunks; ++c) body(context, c);
  }

  // An exception must not leave a worker, nor unwind the caller's stack while workers use it: the first one is kept.
  void take_chunks() {
    try {
      for (;;) {
        const int64_t c = next_.fetch_add(1, std::memory_order_relaxed);
        if (c >= chunks_) return;
        body_(context_, c);
      }
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
      next_.store(chunks_, std::memory_order_relaxed);  // the other chunks no longer matter
    }
  }

  void wake(int64_t count) {
    { std::lock_guard<std::mutex> lock(sleep_mutex_); }  // a worker that is about to wait now waits
    if (count == 1)
      wake_.notify_one();
    else
      wake_.notify_all();
  }

  void start() {
    quit_.store(false, std::memory_order_relaxed);
    const uint64_t seen = job_of(word_.load(std::memory_order_relaxed));
    const int64_t count = size() - 1 < kMostWorkers ? size() - 1 : kMostWorkers;
    try {
      for (int64_t i = 0; i < count; ++i) workers_.emplace_back([this, seen] { work(seen); });
    } catch (const std::system_error&) {
      // The system gives no more threads: work with those that started.
    }
  }

  void stop() {
    quit_.store(true, std::memory_order_seq_cst);
    wake(kMostWorkers);
    for (auto& w : workers_) w.join();
    workers_.clear();
  }

  bool idle(uint64_t seen) const {
    return job_of(word_.load(std::memory_order_seq_cst)) == seen && !quit_.load(std::memory_order_seq_cst);
  }

  void work(uint64_t seen) {
    inside_job = true;  // a kernel called from a worker stays serial
    for (;;) {
      auto since = std::chrono::steady_clock::now();
      for (int polls = 1; idle(seen); ++polls) {
        wishes_.grant_one();
        cpu_relax();
        if (polls % 64 != 0 || std::chrono::steady_clock::now() - since < kSpin) continue;
        std::unique_lock<std::mutex> lock(sleep_mutex_);
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] { return !idle(seen); });
        sleeping_.fetch_sub(1, std::memory_order_seq_cst);
      }
      if (quit_.load(std::memory_order_relaxed)) return;
      uint64_t word = word_.load(std::memory_order_acquire);
      bool in = false;
      while (!in && seats_of(word) > 0)
        in = word_.compare_exchange_weak(word, word - kOneSeat + kOneJoined, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
      seen = job_of(word);
      if (!in) continue;
      take_chunks();
      finished_.fetch_add(1, std::memory_order_release);
    }
  }

  Wishes wishes_;
  std::atomic<int> wanted_;
  std::vector<std::thread> workers_;
  std::mutex run_mutex_, sleep_mutex_;
  std::condition_variable wake_;
  std::exception_ptr error_;
  alignas(64) std::atomic<uint64_t> word_{0};
  std::atomic<bool> quit_{false};
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint64_t> finished_{0};
  alignas(64) std::atomic<int64_t> sleeping_{0};
  std::atomic<bool> failed_{false};
  // Written by the caller before it publishes the word, read by workers after they joined.
  void (*body_)(void*, int64_t) = nullptr;
  void* context_ = nullptr;
  int64_t chunks_ = 0;
};

// Never destroyed: workers may outlive static destructors. Made when the library is loaded: a fork may come at any time after.
std::atomic<Pool*> current{new Pool(1)};

// A forked child has no worker threads and may find any mutex locked, so it leaves the parent's pool alone and makes its own.
const int fork_hook = pthread_atfork(nullptr, nullptr, [] {
  current.store(new Pool(current.load(std::memory_order_relaxed)->size()), std::memory_order_release);
});

Pool& pool() { return *current.load(std::memory_order_acquire); }

struct InsideJob {
  InsideJob() { inside_job = true; }
  ~InsideJob() { inside_job = false; }
};

}  // namespace

int num_threads() { return pool().size(); }
void set_num_threads(int n) { pool().resize(n); }

void parallel_run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  if (inside_job) {
    for (int64_t c = 0; c < chunks; ++c) body(context, c);
    return;
  }
  const InsideJob mark;
  pool().run(chunks, body, context);
}

void prefetch_later(const char* const* rows, int64_t count, int64_t bytes) {
  if (!inside_job && count > 0) pool().wish(rows, count < kMostWishes ? count : kMostWishes, bytes);
}

}  // namespace kg
