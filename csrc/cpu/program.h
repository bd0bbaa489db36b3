// A recorded program: a flat list of kernel calls over numbered buffers, replayed in one go.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "kernel.h"

namespace kg {

class Program {
 public:
  // Returns the number of the new buffer. The caller keeps the memory alive.
  int add_buffer(Buffer buffer);
  // Points a buffer at other memory, of the same dtype. Kernels check sizes again when they run.
  void rebind(int buffer, Buffer to);
  void add_call(int kernel_id, std::vector<int> in, std::vector<int> out, std::vector<int64_t> ints,
                std::vector<double> floats);
  // A step that is not a kernel (a NumPy routine, say).
  void add_host_call(std::function<void()> host);
  // Runs every call in order, `steps` times; `poll` is called about every 20 ms and may throw.
  void run(int64_t steps, const std::function<void()>& poll) const;
  // Runs once and writes the seconds that each call took.
  void profile(double* seconds) const;
  int64_t size() const { return static_cast<int64_t>(calls_.size()); }

 private:
  struct Recorded {
    Kernel kernel = nullptr;
    InPlace in_place = nullptr;
    const char* name = nullptr;
    std::vector<Buffer> in, out;
    std::vector<int64_t> ints;
    std::vector<double> floats;
    std::function<void()> host;
    Call call() const;
    void run() const;
  };
  struct Use {
    int call;
    bool output;
    int position;
  };
  std::vector<Recorded> calls_;
  std::vector<Buffer> buffers_;
  std::vector<std::vector<Use>> uses_;
  // Rebound since the last run. Whether operands overlap is checked when all are in place, for in between they may.
  mutable std::vector<int> rebound_;
  void check_rebound() const;
};

}  // namespace kg
