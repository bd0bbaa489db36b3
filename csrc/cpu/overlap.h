// Which operands of a launch may share memory.
#pragma once
#include "kernel.h"

namespace kg {

// Throws std::invalid_argument if an output shares memory with another operand in a way that no kernel is written for: a part of
// it, all of another output, or all of an input of another item size. An output that is exactly an input is left to
// the kernel where `in_place`, what it registered with KG_IN_PLACE, says so; null: nowhere. Empty operands share nothing. Costs a few
// ns for the usual number of operands.
void check_overlap(const Call& call, InPlace in_place);

}  // namespace kg
