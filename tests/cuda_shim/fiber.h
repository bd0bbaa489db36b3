// Fibers: functions with stacks of their own that hand control to each other. Assembly for x86-64 and aarch64, else ucontext.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace kg_shim {

constexpr size_t kStackBytes = 64 << 10;

#if defined(__x86_64__) || defined(__aarch64__)

typedef void* Context;  // the stack pointer of a fiber that does not run

extern "C" void kg_switch(Context* save, Context load);
#if defined(__x86_64__)
asm(".text\n.p2align 4\n.hidden kg_switch\n.globl kg_switch\nkg_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
constexpr int kSaved = 6;
inline void make_context(Context* c, char* stack, void (*entry)()) {
  void** top = reinterpret_cast<void**>(stack + kStackBytes - 64);
  *--top = nullptr;  // the return address of entry, which never returns; keeps the stack aligned as after a call
  *--top = reinterpret_cast<void*>(entry);
  for (int k = 0; k < kSaved; ++k) *--top = nullptr;
  *c = top;
}
#else
asm(".text\n.p2align 4\n.hidden kg_switch\n.globl kg_switch\nkg_switch:\n"
    "sub sp, sp, #160\n"
    "stp x19, x20, [sp, #0]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\nstp x25, x26, [sp, #48]\n"
    "stp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\nstp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
    "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
    "ldp x19, x20, [sp, #0]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\nldp x25, x26, [sp, #48]\n"
    "ldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\nldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\n"
    "ldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"
    "add sp, sp, #160\nret\n");
inline void make_context(Context* c, char* stack, void (*entry)()) {
  void** top = reinterpret_cast<void**>(stack + kStackBytes - 64) - 20;
  memset(top, 0, 160);
  top[11] = reinterpret_cast<void*>(entry);  // x30
  *c = top;
}
#endif
inline void switch_context(Context* save, Context* load) { kg_switch(save, *load); }

#else

typedef ucontext_t Context;
inline void make_context(Context* c, char* stack, void (*entry)()) {
  getcontext(c);
  c->uc_stack.ss_sp = stack;
  c->uc_stack.ss_size = kStackBytes;
  c->uc_link = nullptr;
  makecontext(c, entry, 0);
}
inline void switch_context(Context* save, Context* load) { swapcontext(save, load); }

#endif

}  // namespace kg_shim
