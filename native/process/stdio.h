// The three standard descriptors, as programs that Python starts find them.
#pragma once

namespace bridge {

// Node has the system close them when a program is started, and names those that its own children get. Python leaves
// them open: a program that inherits stderr would have none, and the first file it opens would become its stderr.
void LetProgramsInheritStdio();

}  // namespace bridge
