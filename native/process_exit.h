// Leaving the process while Python threads run.
#pragma once

namespace bridge {

// Main JS thread, as late as a JS `exit` listener. Once JavaScript has finished (later listeners and coverage files
// included), what Python printed is written and the process ends with the code it was given, before the destructors of
// C++ libraries run under Python's live threads. Idempotent.
void LeaveWithoutDestructors();

}  // namespace bridge
