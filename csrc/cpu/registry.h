// Look-up side of the kernel registry; kernel files need only kernel.h.
#pragma once
#include <string>
#include <vector>

#include "kernel.h"

namespace kg {

int machine_level();              // the best level that this processor can run
int level();                      // the level in use
void set_level(int level);        // at most machine_level(); applies to later look-ups
int kernel_id(const char* name);  // -1 if there is no such kernel
Kernel kernel(int id);
const char* kernel_name(int id);
ParamNames kernel_params(int id);
InPlace kernel_in_place(int id);  // null: never
const std::vector<std::string>& kernel_names();

}  // namespace kg
