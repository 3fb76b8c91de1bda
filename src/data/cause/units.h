// What a number may have become: another unit, other digits, or another column.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/cause/look.h"
#include "data/samples/conversion.h"

namespace millrace::data::cause {

// The conversion under which the values of the days before the boundary look like those after it, when it explains them
// much better than no change does. Known units first, else a fitted line.
std::optional<Conversion> find_conversion(const Look& look, const FrameColumn& column);

// True when the values of each look like those of the other before the boundary, and not like their own.
bool have_changed_places(const Look& look, const FrameColumn& first, const FrameColumn& second);

// The step of which nearly all values are multiples now, though before they were not; 0 = none.
double coarser_step(const Look& look, const FrameColumn& column);

}  // namespace millrace::data::cause
