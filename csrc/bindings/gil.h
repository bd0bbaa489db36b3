// Giving up Python's lock, and asking for it again when the interpreter may be gone.
//
// A daemon thread that asks for the lock while the interpreter ends is made to exit, by unwinding its stack: destructors would then touch
// Python objects, and those that must not throw abort the process. Such a thread stops here instead, for good; the process ends
// without it. (Python does the same from 3.14 on.)
#pragma once
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <exception>

namespace kg {

inline thread_local PyThreadState* released = nullptr;  // this thread's, while it runs without the lock

[[noreturn]] inline void stop_for_good() {
  for (;;) pause();
}

inline void take_lock() {
  try {
    PyEval_RestoreThread(released);
  } catch (...) {  // the unwinding of pthread_exit: nothing else is thrown there
    stop_for_good();
  }
  released = nullptr;
}

inline void give_lock() { released = PyEval_SaveThread(); }

// Run C++ code without the lock. Not with a guard object: what ends a thread must not meet a destructor.
template <class Work> void without_lock(Work&& work) {
  std::exception_ptr error;
  give_lock();
  try {
    work();
  } catch (...) { error = std::current_exception(); }
  take_lock();
  if (error) std::rethrow_exception(error);
}

// Within without_lock: call a Python function, or look for a signal, with the lock. Raises what it raises.
template <class Call> void with_lock(Call&& call) {
  take_lock();
  bool failed = false;
  try {
    failed = call();
  } catch (...) {  // as above: Python's C code throws nothing
    stop_for_good();
  }
  if (failed) {
    pybind11::error_already_set error;
    give_lock();
    throw error;
  }
  give_lock();
}

}  // namespace kg
