// The Python module kerasgpu._core: launches kernels on NumPy arrays, replays programs, and owns the memory pool.
// The only C++ that knows Python.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "../common/opcodes.h"
#include "../cpu/overlap.h"
#include "../cpu/parallel.h"
#include "../cpu/pool.h"
#include "../cpu/program.h"
#include "../cpu/registry.h"
#include "gil.h"

namespace py = pybind11;

namespace {

constexpr int kMaxOperands = 512;              // of one launch; multi-tensor kernels are split above this
constexpr int64_t kReleaseGilBytes = 1 << 15;  // below this a launch is shorter than a GIL hand-over

constexpr char kForeignOrder = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<';

int bfloat16_num = -1;  // NumPy's type number of ml_dtypes.bfloat16, once one was seen

kg::DType dtype_of_array(const py::array& a) {
  const int num = a.dtype().num();
  switch (num) {
    case 0: return kg::kBool;
    case 1: return kg::kI8;
    case 2: return kg::kU8;
    case 3: return kg::kI16;
    case 4: return kg::kU16;
    case 5: return kg::kI32;
    case 6: return kg::kU32;
    case 7: return sizeof(long) == 8 ? kg::kI64 : kg::kI32;
    case 8: return sizeof(long) == 8 ? kg::kU64 : kg::kU32;
    case 9: return kg::kI64;
    case 10: return kg::kU64;
    case 11: return kg::kF32;
    case 12: return kg::kF64;
    case 23: return kg::kF16;
    default: break;
  }
  if (num == bfloat16_num) return kg::kBF16;
  if (a.itemsize() == 2 && py::str(a.dtype().attr("name")).cast<std::string>() == "bfloat16") {
    bfloat16_num = num;  // ml_dtypes registers the type when it is imported, wherever that happens
    return kg::kBF16;
  }
  throw py::type_error("kerasgpu._core: no kernel works on arrays of dtype " + py::str(a.dtype()).cast<std::string>());
}

// The border between Python and the kernels: they take it for granted that values are in the machine's byte order, at addresses
// that are multiples of their size, and in row-major order without gaps.
kg::Buffer as_buffer(py::handle object, bool writeable) {
  if (!py::isinstance<py::array>(object)) throw py::type_error("kerasgpu._core: expected a NumPy array");
  auto a = py::reinterpret_borrow<py::array>(object);
  const int flags = a.flags();
  if (!(flags & py::array::c_style)) throw py::value_error("kerasgpu._core: array is not contiguous");
  if (!(flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_))
    throw py::value_error("kerasgpu._core: array is not aligned to the size of its values; pass a copy");
  if (py::detail::array_descriptor_proxy(py::detail::array_proxy(a.ptr())->descr)->byteorder == kForeignOrder)
    throw py::value_error(
        "kerasgpu._core: array is not in the byte order of this machine; pass x.astype(x.dtype.newbyteorder('='))");
  if (writeable && !a.writeable()) throw py::value_error("kerasgpu._core: output array is read-only");
  return {const_cast<void*>(a.data()), static_cast<int64_t>(a.nbytes()), dtype_of_array(a)};
}

// How the fields of a kernel's named tuple are passed on, by kernel number: 'i' an integer, 'f' a float, 'I' and 'F' tuples of
// them, which may hold tuples in turn. Set once for each kernel, when its named tuple is defined.
std::vector<std::string> signatures;

struct Parameters {
  std::vector<int64_t> ints;
  std::vector<double> floats;

  Parameters(int id, const py::tuple& spec) {
    const std::string& kinds = signature_of(id);
    const auto size = static_cast<size_t>(PyTuple_GET_SIZE(spec.ptr()));
    if (size != kinds.size())
      throw py::value_error(std::string(kg::kernel_name(id)) + ": number of parameters is " + std::to_string(size) +
                            ", needs " + std::to_string(kinds.size()));
    ints.reserve(24);
    for (size_t k = 0; k < size; ++k) {
      PyObject* field = PyTuple_GET_ITEM(spec.ptr(), static_cast<Py_ssize_t>(k));
      switch (kinds[k]) {
        case 'i': add_int(field); break;
        case 'f': add_float(field); break;
        case 'I': add_all<&Parameters::add_int>(field); break;
        default: add_all<&Parameters::add_float>(field);
      }
    }
  }

 private:
  static const std::string& signature_of(int id) {
    if (id < 0 || static_cast<size_t>(id) >= signatures.size())
      throw py::type_error("kerasgpu._core: the parameters of this kernel are not known; see kerasgpu/kernels/spec.py");
    return signatures[static_cast<size_t>(id)];
  }
  void add_int(PyObject* x) {
    const long long value = PyLong_AsLongLong(x);  // of anything that is an integer; refuses floats
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    ints.push_back(value);
  }
  void add_float(PyObject* x) {
    const double value = PyFloat_AsDouble(x);
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    floats.push_back(value);
  }
  template <void (Parameters::*add)(PyObject*)> void add_all(PyObject* list) {
    if (!PyTuple_Check(list)) throw py::type_error("kerasgpu._core: a list of parameters must be a tuple");
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(list); ++k) {
      PyObject* x = PyTuple_GET_ITEM(list, k);
      if (PyTuple_Check(x))
        add_all<add>(x);
      else
        (this->*add)(x);
    }
  }
};

void set_signature(int id, const std::string& kinds) {
  kg::kernel_name(id);  // throws for a number that no kernel has
  if (signatures.size() <= static_cast<size_t>(id)) signatures.resize(kg::kernel_names().size());
  signatures[static_cast<size_t>(id)] = kinds;
}

py::tuple kernel_params(const char* name) {
  const int id = kg::kernel_id(name);
  if (id < 0) throw py::key_error(std::string("there is no kernel ") + name);
  const kg::ParamNames names = kg::kernel_params(id);
  return py::make_tuple(names.ints, names.floats);
}

void launch(int id, const py::tuple& in, const py::tuple& out, const py::tuple& spec) {
  if (in.size() > kMaxOperands || out.size() > kMaxOperands)
    throw py::value_error(std::string(kg::kernel_name(id)) + ": too many operands in one launch");
  std::vector<kg::Buffer> ins(in.size()), outs(out.size());
  int64_t bytes = 0;
  for (size_t k = 0; k < in.size(); ++k) bytes += (ins[k] = as_buffer(in[k], false)).bytes;
  for (size_t k = 0; k < out.size(); ++k) bytes += (outs[k] = as_buffer(out[k], true)).bytes;
  const Parameters p(id, spec);
  const kg::Kernel kernel = kg::kernel(id);
  kg::Call call{kg::kernel_name(id),     ins.data(),          outs.data(),          p.ints.data(),
                p.floats.data(),         int32_t(ins.size()), int32_t(outs.size()), int32_t(p.ints.size()),
                int32_t(p.floats.size())};
  kg::check_overlap(call, kg::kernel_in_place(id));
  if (bytes < kReleaseGilBytes) return kernel(call);
  kg::without_lock([&] { kernel(call); });
}

// The tables that Python shares with the kernels, so that nobody types them twice.
py::tuple dtypes() {
  py::list all;
  for (int k = 0; k < kg::kNumDTypes; ++k) {
    const auto dtype = static_cast<kg::DType>(k);
    all.append(py::make_tuple(kg::dtype_name(dtype), kg::dtype_size(dtype)));
  }
  return py::tuple(all);
}

py::tuple opcodes() {
  py::list all;
#define KG_OPCODE_TUPLE(name, arity, cost) all.append(py::make_tuple(#name, arity));
  KG_OPCODES(KG_OPCODE_TUPLE)
#undef KG_OPCODE_TUPLE
  return py::tuple(all);
}

py::array empty(const py::object& shape, const py::dtype& dtype) {
  std::vector<py::ssize_t> dims;
  int64_t bytes = dtype.itemsize();
  for (py::handle d : shape) {
    const auto n = d.cast<int64_t>();
    if (n < 0 || __builtin_mul_overflow(bytes, n, &bytes))
      throw py::value_error("empty: bad shape " + py::repr(shape).cast<std::string>());
    dims.push_back(n);
  }
  void* block = kg::pool_allocate(bytes);
  py::capsule owner(block, [](void* p) { kg::pool_free(p); });
  return py::array(dtype, dims, block, owner);
}

// Keeps the arrays and callables alive that the C++ program points to.
struct PyProgram {
  kg::Program program;
  std::vector<py::object> alive;
  std::vector<bool> written;  // buffers that are the output of a call

  int add_buffer(const py::array& a) {
    const int k = program.add_buffer(as_buffer(a, false));
    alive.push_back(a);
    written.push_back(false);
    return k;
  }
  void rebind(int k, const py::array& a) {
    program.rebind(k, as_buffer(a, written.at(k)));
    alive.at(k) = a;
  }
  void add_call(int id, std::vector<int> in, std::vector<int> out, const py::tuple& spec) {
    Parameters given(id, spec);
    for (int k : out) as_buffer(alive.at(k), true);
    program.add_call(id, std::move(in), out, std::move(given.ints), std::move(given.floats));
    for (int k : out) written[k] = true;
  }
  void run(int64_t steps) {
    kg::without_lock([&] { program.run(steps, [] { kg::with_lock([] { return PyErr_CheckSignals() != 0; }); }); });
  }
};

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "C++ kernels of kerasgpu";
  m.def("launch", &launch, "launch(kernel_id, inputs, outputs, spec): run one kernel on NumPy arrays");
  m.def("kernel_id", &kg::kernel_id, "number of a kernel, -1 if there is none of that name");
  m.def("kernel_names", &kg::kernel_names);
  m.def("kernel_params", &kernel_params, "the names of a kernel's integer and of its floating-point parameters, in order");
  m.def("set_signature", &set_signature,
        "set_signature(kernel_id, kinds): how the fields of a kernel's named tuple are passed");
  m.attr("DTYPES") = dtypes();    // (name, bytes) by number
  m.attr("OPCODES") = opcodes();  // (name, number of arguments) by number
  m.def("machine_level", &kg::machine_level);
  m.def("level", &kg::level);
  m.def("set_level", [](int level) {
    if (level < 0 || level > kg::machine_level())
      throw py::value_error("set_level: this machine cannot run that instruction set");
    kg::set_level(level);
  });
  m.def("num_threads", &kg::num_threads);
  m.def("set_num_threads", [](int n) {
    if (n < 1 || n > 1024) throw py::value_error("set_num_threads: need 1 to 1024, got " + std::to_string(n));
    kg::without_lock([&] { kg::set_num_threads(n); });
  });
  m.def("empty", &empty, "empty(shape, dtype): an uninitialised array from the caching pool, 64-byte aligned");
  m.def("empty_cache", &kg::pool_empty_cache);
  m.def("memory_stats", [] {
    const kg::PoolStats s = kg::pool_stats();
    py::dict d;
    d["in_use"] = s.in_use;
    d["cached"] = s.cached;
    d["peak"] = s.peak;
    d["allocations"] = s.allocations;
    return d;
  });
  py::class_<PyProgram>(m, "Program", "a recorded list of kernel calls over fixed buffers")
      .def(py::init<>())
      .def("add_buffer", &PyProgram::add_buffer)
      .def("rebind", &PyProgram::rebind)
      .def("add_call", &PyProgram::add_call)
      .def("add_host_call",
           [](PyProgram& p, py::function f) {
             p.program.add_host_call([f] {
               kg::with_lock([&] {
                 PyObject* result = PyObject_CallNoArgs(f.ptr());
                 Py_XDECREF(result);
                 return result == nullptr;
               });
             });
           })
      .def("run", &PyProgram::run, py::arg("steps") = 1)
      .def("profile",
           [](PyProgram& p) {
             std::vector<double> seconds(p.program.size());
             kg::without_lock([&] { p.program.profile(seconds.data()); });
             return seconds;
           })
      .def("__len__", [](const PyProgram& p) { return p.program.size(); });
}
