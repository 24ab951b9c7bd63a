// Where a value stands in a structure, as messages write it.
#pragma once

#include <string>

namespace bridge {

// `.key` or `["a key"]`, as JavaScript would write it; UTF-8.
std::string StepTo(const std::string& key);

// A long place by its two ends; UTF-8.
std::string Shortened(const std::string& place);

}  // namespace bridge
