// What a CPU kernel looks like from outside: one uniform signature, checked arguments, and a registry.
//
// Every kernel is `void name(const Call& call)`. It reads its inputs, outputs and parameters through the
// checked accessors below and then calls typed code that knows only pointers and sizes. Because the signature is
// uniform, one binding launches every kernel and a recorded program is a flat list of calls.
//
// Each file under csrc/cpu/ is compiled once per instruction set (see setup.py) with KG_ISA naming it. All code lives in
// namespace KG_NS, which differs per instruction set, so the linker can never mix their functions.
#pragma once
#include <cstdint>
#include <cstring>

#define KG_CONCAT2(a, b) a##b
#define KG_CONCAT(a, b) KG_CONCAT2(a, b)
#ifndef KG_ISA
#define KG_ISA portable
#define KG_ISA_LEVEL 0
#endif
#define KG_NS KG_CONCAT(kg_, KG_ISA)

namespace kg {

// The order is shared with kerasgpu/engine/dtypes.py and csrc/cuda.
enum DType : int32_t { kBool = 0, kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF16, kBF16, kF32, kF64, kNumDTypes };
int64_t dtype_size(DType dtype);
const char* dtype_name(DType dtype);

// A contiguous row-major array, without its shape.
struct Buffer {
  void* data;
  int64_t bytes;
  DType dtype;
};

struct Call {
  const char* name;  // of the kernel, for messages
  const Buffer* in;
  const Buffer* out;
  const int64_t* i;  // integer parameters: sizes first, then flags
  const double* f;   // floating-point parameters
  int32_t n_in, n_out, n_i, n_f;
};

using Kernel = void (*)(const Call&);

// Throw std::invalid_argument. Outlined so that accessors stay small.
[[noreturn]] void fail(const Call& call, const char* what, int64_t got, int64_t need);
[[noreturn]] void fail_dtype(const Call& call, const char* what, int index, DType got, const char* need);
// A message of your own: "softmax: <message>".
[[noreturn]] void fail_message(const Call& call, const char* message);

// The names of a kernel's parameters in order, separated by commas; "dims..." is a list of any length. The named tuple that
// kerasgpu/kernels has for the kernel must have the same ones: it is compared when it is defined.
struct ParamNames {
  const char *ints = "", *floats = "";
};

// Whether output `out` of a call may be exactly its input `in`: the same memory, all of it, with items of the same size.
using InPlace = bool (*)(const Call& call, int out, int in);

// Registered kernels. level: 0 portable, 1 AVX2+FMA or NEON, 2 AVX-512.
bool register_kernel(const char* name, int level, Kernel kernel, ParamNames params);
bool register_in_place(const char* name, InPlace in_place);

}  // namespace kg

namespace KG_NS {

using namespace kg;

template <class T> struct dtype_of;
struct bf16 {
  uint16_t bits;
};
struct f16 {
  uint16_t bits;
};
template <> struct dtype_of<bool> {
  static constexpr DType value = kBool;
};
template <> struct dtype_of<uint8_t> {
  static constexpr DType value = kU8;
};
template <> struct dtype_of<int8_t> {
  static constexpr DType value = kI8;
};
template <> struct dtype_of<uint16_t> {
  static constexpr DType value = kU16;
};
template <> struct dtype_of<int16_t> {
  static constexpr DType value = kI16;
};
template <> struct dtype_of<uint32_t> {
  static constexpr DType value = kU32;
};
template <> struct dtype_of<int32_t> {
  static constexpr DType value = kI32;
};
template <> struct dtype_of<uint64_t> {
  static constexpr DType value = kU64;
};
template <> struct dtype_of<int64_t> {
  static constexpr DType value = kI64;
};
template <> struct dtype_of<f16> {
  static constexpr DType value = kF16;
};
template <> struct dtype_of<bf16> {
  static constexpr DType value = kBF16;
};
template <> struct dtype_of<float> {
  static constexpr DType value = kF32;
};
template <> struct dtype_of<double> {
  static constexpr DType value = kF64;
};

// Sizes come from Python and are multiplied here: refuse negative values and overflow.
inline int64_t checked_mul(const Call& call, int64_t a, int64_t b) {
  int64_t product;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) fail(call, "size product", a, b);
  return product;
}

inline void expect(const Call& call, int n_in, int n_out, int n_i, int n_f) {
  if (call.n_in != n_in) fail(call, "number of inputs", call.n_in, n_in);
  if (call.n_out != n_out) fail(call, "number of outputs", call.n_out, n_out);
  if (call.n_i < n_i) fail(call, "number of integer parameters", call.n_i, n_i);
  if (call.n_f < n_f) fail(call, "number of float parameters", call.n_f, n_f);
}

// The first parameters of a call as a struct that KG_INTS or KG_FLOATS made.
template <class P> P ints(const Call& call) {
  constexpr int n = static_cast<int>(sizeof(P) / sizeof(int64_t));
  if (call.n_i < n) fail(call, "number of integer parameters", call.n_i, n);
  P params;
  std::memcpy(&params, call.i, sizeof(P));
  return params;
}
template <class P> P floats(const Call& call) {
  constexpr int n = static_cast<int>(sizeof(P) / sizeof(double));
  if (call.n_f < n) fail(call, "number of float parameters", call.n_f, n);
  P params;
  std::memcpy(&params, call.f, sizeof(P));
  return params;
}

// Pointer to input k as T, after checking its dtype and that it holds at least `count` elements.
template <class T> const T* input(const Call& call, int k, int64_t count) {
  if (k >= call.n_in) fail(call, "number of inputs", call.n_in, k + 1);
  const Buffer& b = call.in[k];
  if (b.dtype != dtype_of<T>::value) fail_dtype(call, "input", k, b.dtype, dtype_name(dtype_of<T>::value));
  if (count < 0 || b.bytes / int64_t(sizeof(T)) < count) fail(call, "input elements", b.bytes / int64_t(sizeof(T)), count);
  return static_cast<const T*>(b.data);
}

template <class T> T* output(const Call& call, int k, int64_t count) {
  if (k >= call.n_out) fail(call, "number of outputs", call.n_out, k + 1);
  const Buffer& b = call.out[k];
  if (b.dtype != dtype_of<T>::value) fail_dtype(call, "output", k, b.dtype, dtype_name(dtype_of<T>::value));
  if (count < 0 || b.bytes / int64_t(sizeof(T)) < count) fail(call, "output elements", b.bytes / int64_t(sizeof(T)), count);
  return static_cast<T*>(b.data);
}

}  // namespace KG_NS

// KG_INTS(SoftmaxInts, outer, n, inner): a struct of a kernel's integer parameters in order, and their names. The fields are the
// names, so what is registered is what ints<SoftmaxInts>(call) reads. KG_FLOATS: the same for its floating-point parameters.
#define KG_INTS(Name, ...)                             \
  struct Name {                                        \
    int64_t __VA_ARGS__;                               \
    static constexpr const char* names = #__VA_ARGS__; \
  }
// For kernels whose lists (and what comes behind them) follow: KG_INTS_AND_LISTS(PadInts, "dims..., lows...", mode, ndim).
#define KG_INTS_AND_LISTS(Name, lists, ...)                       \
  struct Name {                                                   \
    int64_t __VA_ARGS__;                                          \
    static constexpr const char* names = #__VA_ARGS__ ", " lists; \
  }
#define KG_FLOATS(Name, ...)                           \
  struct Name {                                        \
    double __VA_ARGS__;                                \
    static constexpr const char* names = #__VA_ARGS__; \
  }

// At the end of a kernel file: KG_REGISTER(softmax, SoftmaxInts::names) registers `void softmax(const Call&)` under that name, with
// the names of its integer and its floating-point parameters, if it has any.
#define KG_REGISTER(name, ...)                                                                  \
  static const bool KG_CONCAT(registered_, name) = [] {                                         \
    using namespace KG_NS; /* NOLINT */                                                         \
    return kg::register_kernel(#name, KG_ISA_LEVEL, &KG_NS::name, kg::ParamNames{__VA_ARGS__}); \
  }()

// Beside KG_REGISTER, for a kernel that may write over an input: KG_IN_PLACE(softmax, out == 0 && in == 0) says of which output and
// which input that holds, by any condition on their numbers `out` and `in` and on the `call`, whose parameters the kernel has not
// checked yet. Such a kernel reads an element of the input for the last time before it writes that element of the output. All other
// sharing of memory is refused (overlap.h).
#define KG_IN_PLACE(name, ...)                                                                                               \
  static const bool KG_CONCAT(in_place_, name) = [] {                                                                        \
    using namespace KG_NS;             /* NOLINT */                                                                          \
    if (KG_ISA_LEVEL > 0) return true; /* the portable copy answers for all */                                               \
    return kg::register_in_place(                                                                                            \
        #name, []([[maybe_unused]] const kg::Call& call, [[maybe_unused]] int out, int in) -> bool { return __VA_ARGS__; }); \
  }()
