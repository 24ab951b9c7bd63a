// The one Python of the process: started once, never finalised.
//
// The permanent Python thread initialises it, owns its main thread state and then serves the command lane. Two more
// threads serve the control lane and the release lane. JS threads only post to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "events/outbox.h"
#include "napi_setup.h"
#include "values/value.h"

namespace bridge {

struct InterpreterConfig {
  std::string executable;
  std::string bridge_path;
  std::string bridge_module;
  bool deep_bind = false;
};

// Where a call's outcome goes. A call without a deferred is nobody's: its outcome is dropped.
struct Caller {
  std::shared_ptr<Outbox> outbox;
  napi_deferred deferred = nullptr;
};

enum class CallLane { kCommand, kControl, kThread };

// A function of the bridge module, called with plain values.
struct Call {
  std::string function;
  Value arguments;  // an array, or its JSON
  CallLane lane = CallLane::kCommand;
  std::string directory;  // UTF-8; of a kThread call
  int64_t channel = 0;    // opened once the call is settled; 0 for none
  Caller caller;
};

// JS thread. Starts the interpreter, or reports on the one that runs; settles the caller's promise either way.
void StartInterpreter(InterpreterConfig config, Caller caller);

// JS thread. A call whose environment has ended before it began is not run.
void PostCall(Call call);

// The minor version of Python that this core is compiled for, `3.11`.
std::string PythonVersion();

// JS thread, at the end of an environment, where Python runs: the bridge module's `abandon` hears which client has gone
// (Outbox::id), and which of its channels were open.
void AbandonClient(int64_t client, const std::vector<int64_t>& channels);

}  // namespace bridge
