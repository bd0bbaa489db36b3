// The kernel registry: name -> one function per instruction set; the best one that the machine has is used.
#include "registry.h"

#include <atomic>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>

namespace kg {
namespace {

struct Entry {
  Kernel by_level[3] = {nullptr, nullptr, nullptr};
  ParamNames params;
  InPlace in_place = nullptr;
  int id = -1;
};

struct Registry {
  std::map<std::string, Entry> entries;
  std::vector<const Entry*> by_id;
  std::vector<std::string> names;
  std::atomic<int> level{-1};
};

Registry& registry() {
  // Built on first use, so static registration order does not matter; never destroyed, since threads may outlive main().
  static Registry& r = *new Registry;
  return r;
}

const int64_t kSizes[kNumDTypes] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
const char* const kNames[kNumDTypes] = {"bool",   "uint8", "int8",    "uint16",   "int16",   "uint32", "int32",
                                        "uint64", "int64", "float16", "bfloat16", "float32", "float64"};

}  // namespace

int64_t dtype_size(DType dtype) { return dtype >= 0 && dtype < kNumDTypes ? kSizes[dtype] : 0; }
const char* dtype_name(DType dtype) { return dtype >= 0 && dtype < kNumDTypes ? kNames[dtype] : "unknown"; }

void fail(const Call& call, const char* what, int64_t got, int64_t need) {
  throw std::invalid_argument(std::string(call.name) + ": " + what + " is " + std::to_string(got) + ", needs " +
                              std::to_string(need));
}

void fail_dtype(const Call& call, const char* what, int index, DType got, const char* need) {
  throw std::invalid_argument(std::string(call.name) + ": " + what + " " + std::to_string(index) + " has dtype " +
                              dtype_name(got) + ", needs " + need);
}

void fail_message(const Call& call, const char* message) {
  throw std::invalid_argument(std::string(call.name) + ": " + message);
}

bool register_kernel(const char* name, int level, Kernel kernel, ParamNames params) {
  Registry& r = registry();
  Entry& entry = r.entries[name];
  if (entry.id < 0) {
    entry.id = static_cast<int>(r.by_id.size());
    entry.params = params;
    r.by_id.push_back(&entry);
    r.names.push_back(name);
  }
  entry.by_level[level] = kernel;
  return true;
}

bool register_in_place(const char* name, InPlace in_place) {
  registry().entries[name].in_place = in_place;
  return true;
}

int machine_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
  return 0;
#elif defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

void set_level(int level) { registry().level = level; }

int level() {
  Registry& r = registry();
  int found = r.level.load(std::memory_order_relaxed);
  if (found < 0) r.level.store(found = machine_level(), std::memory_order_relaxed);
  return found;
}

int kernel_id(const char* name) {
  auto it = registry().entries.find(name);
  return it == registry().entries.end() ? -1 : it->second.id;
}

Kernel kernel(int id) {
  const Registry& r = registry();
  if (id < 0 || id >= static_cast<int>(r.by_id.size())) throw std::invalid_argument("launch: unknown kernel id");
  for (int l = level(); l >= 0; --l)
    if (r.by_id[id]->by_level[l]) return r.by_id[id]->by_level[l];
  throw std::runtime_error("launch: kernel " + r.names[id] + " has no version for this machine");
}

const char* kernel_name(int id) { return registry().names.at(id).c_str(); }
ParamNames kernel_params(int id) { return registry().by_id.at(id)->params; }
InPlace kernel_in_place(int id) { return registry().by_id.at(id)->in_place; }
const std::vector<std::string>& kernel_names() { return registry().names; }

}  // namespace kg
