#include "program.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include "overlap.h"
#include "registry.h"

namespace kg {

int Program::add_buffer(Buffer buffer) {
  buffers_.push_back(buffer);
  uses_.emplace_back();
  return static_cast<int>(buffers_.size()) - 1;
}

void Program::rebind(int buffer, Buffer to) {
  Buffer& b = buffers_.at(buffer);
  if (b.dtype != to.dtype)
    throw std::invalid_argument(std::string("Program.rebind: buffer has dtype ") + dtype_name(b.dtype) + ", got " +
                                dtype_name(to.dtype));
  b = to;
  for (const Use& use : uses_[buffer]) {
    Recorded& call = calls_[use.call];
    (use.output ? call.out : call.in)[use.position] = to;
  }
  rebound_.push_back(buffer);
}

void Program::add_call(int kernel_id, std::vector<int> in, std::vector<int> out, std::vector<int64_t> ints,
                       std::vector<double> floats) {
  Recorded call;
  call.kernel = kernel(kernel_id);
  call.in_place = kernel_in_place(kernel_id);
  call.name = kernel_name(kernel_id);
  const int index = static_cast<int>(calls_.size());
  for (int b : in) call.in.push_back(buffers_.at(b));
  for (int b : out) call.out.push_back(buffers_.at(b));
  call.ints = std::move(ints);
  call.floats = std::move(floats);
  check_overlap(call.call(), call.in_place);
  for (size_t p = 0; p < in.size(); ++p) uses_[in[p]].push_back({index, false, static_cast<int>(p)});
  for (size_t p = 0; p < out.size(); ++p) uses_[out[p]].push_back({index, true, static_cast<int>(p)});
  calls_.push_back(std::move(call));
}

void Program::add_host_call(std::function<void()> host) {
  Recorded call;
  call.host = std::move(host);
  calls_.push_back(std::move(call));
}

Call Program::Recorded::call() const {
  Call call;
  call.name = name;
  call.in = in.data();
  call.out = out.data();
  call.i = ints.data();
  call.f = floats.data();
  call.n_in = static_cast<int32_t>(in.size());
  call.n_out = static_cast<int32_t>(out.size());
  call.n_i = static_cast<int32_t>(ints.size());
  call.n_f = static_cast<int32_t>(floats.size());
  return call;
}

void Program::Recorded::run() const {
  if (!kernel) return host();
  kernel(call());
}

void Program::check_rebound() const {
  for (int buffer : rebound_)
    for (const Use& use : uses_[buffer]) check_overlap(calls_[use.call].call(), calls_[use.call].in_place);
  rebound_.clear();
}

void Program::run(int64_t steps, const std::function<void()>& poll) const {
  using clock = std::chrono::steady_clock;
  check_rebound();
  auto last = clock::now();
  for (int64_t s = 0; s < steps; ++s) {
    for (const Recorded& call : calls_) call.run();
    if (s + 1 < steps && clock::now() - last > std::chrono::milliseconds(20)) {
      poll();
      last = clock::now();
    }
  }
}

void Program::profile(double* seconds) const {
  using clock = std::chrono::steady_clock;
  check_rebound();
  for (size_t k = 0; k < calls_.size(); ++k) {
    const auto begin = clock::now();
    calls_[k].run();
    seconds[k] = std::chrono::duration<double>(clock::now() - begin).count();
  }
}

}  // namespace kg
