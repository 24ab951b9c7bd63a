// core.cp3XX.node: what JavaScript can call. Every function here runs on a JS thread and returns at once.

#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "environment.h"
#include "interpreter.h"
#include "memory/memory.h"
#include "napi_setup.h"
#include "process/exit.h"
#include "process/pin.h"
#include "values/js_to_value.h"
#include "values/value_to_js.h"

namespace bridge {

namespace {

std::string Text(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

Caller NewCaller(Napi::Env env, Napi::Value* promise) {
  Caller caller;
  caller.outbox = Environment::Of(env).outbox();
  napi_value value = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_create_promise(env, &caller.deferred, &value), caller);
  *promise = Napi::Value(env, value);
  return caller;
}

// start(config): Promise<InterpreterInfo>
Napi::Value Start(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  InterpreterConfig config;
  config.executable = Text(object, "executable");
  config.bridge_path = Text(object, "bridgePath");
  config.bridge_module = Text(object, "bridgeModule");
  config.deep_bind = object.Get("deepBind").ToBoolean();
  Napi::Value promise;
  Caller caller = NewCaller(info.Env(), &promise);
  StartInterpreter(std::move(config), std::move(caller));
  return promise;
}

CallLane LaneNamed(const std::string& name) {
  if (name == "control") return CallLane::kControl;
  return name == "thread" ? CallLane::kThread : CallLane::kCommand;
}

// How messages call an argument.
std::string NameOf(const Napi::Value& names, uint32_t index) {
  const Napi::Value name = names.IsArray() ? names.As<Napi::Array>().Get(index) : Napi::Value();
  if (!name.IsEmpty() && name.IsString()) return name.As<Napi::String>().Utf8Value();
  return "argument " + std::to_string(index + 1);
}

// A text is the whole list in JSON already.
Value ArgumentsOf(const Napi::Value& given, const Napi::Value& names) {
  Array arguments;
  try {
    if (given.IsString()) return {JsonText{given.As<Napi::String>().Utf8Value()}};
    const auto list = given.As<Napi::Array>();
    for (uint32_t index = 0; index < list.Length(); ++index) {
      const Napi::Value argument = list.Get(index);
      arguments.push_back(FromJs(argument, NameOf(names, index)));
    }
  } catch (const std::bad_alloc&) {
    FreeLevelByLevel({std::move(arguments)});
    const Napi::Error error = Napi::Error::New(given.Env(), "there is no memory for a copy of the arguments");
    error.Set("code", Napi::String::New(given.Env(), "ERR_WANGP_VALUE"));
    throw error;
  } catch (...) {
    FreeLevelByLevel({std::move(arguments)});
    throw;
  }
  return {std::move(arguments)};
}

// call(functionName, args or their JSON, { lane, cwd, channel, names }): Promise<unknown>
Napi::Value CallPython(const Napi::CallbackInfo& info) {
  const auto options = info[2].As<Napi::Object>();
  Call call;
  call.function = info[0].As<Napi::String>().Utf8Value();
  call.lane = LaneNamed(Text(options, "lane"));
  call.directory = Text(options, "cwd");
  const Napi::Value channel = options.Get("channel");
  if (channel.IsNumber()) call.channel = channel.As<Napi::Number>().Int64Value();
  call.arguments = ArgumentsOf(info[1], options.Get("names"));
  Napi::Value promise;
  call.caller = NewCaller(info.Env(), &promise);
  PostCall(std::move(call));
  return promise;
}

void SetEventHandler(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).SetEventHandler(info[0].As<Napi::Function>());
}

Napi::Value CreateChannel(const Napi::CallbackInfo& info) {
  const int64_t channel = Environment::Of(info.Env()).outbox()->CreateChannel();
  return Napi::Number::New(info.Env(), static_cast<double>(channel));
}

void CloseChannel(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).outbox()->CloseChannel(info[0].As<Napi::Number>().Int64Value());
}

// setMemoryFactory(factory)
void SetMemoryFactory(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).tensors().SetFactory(info[0].As<Napi::Function>());
}

// release(handle, buffer)
void Release(const Napi::CallbackInfo& info) { ViewOf(info[0]).Release(info.Env(), info[1]); }

// share(handle): a token's number, or 0
Napi::Value Share(const Napi::CallbackInfo& info) {
  const int64_t token = Environment::Of(info.Env()).tensors().Share(ViewOf(info[0]));
  return Napi::Number::New(info.Env(), static_cast<double>(token));
}

// openShared(number): what the memory factory makes of it, or undefined
Napi::Value OpenShared(const Napi::CallbackInfo& info) {
  const std::shared_ptr<Memory> memory = Tensors::TakeShared(info[0].As<Napi::Number>().Int64Value());
  if (memory == nullptr) return info.Env().Undefined();
  return {info.Env(), Environment::Of(info.Env()).tensors().Make(info.Env(), memory)};
}

// setPaused(paused)
void SetPaused(const Napi::CallbackInfo& info) {
  Outbox& outbox = *Environment::Of(info.Env()).outbox();
  if (info[0].ToBoolean()) {
    outbox.Pause();
  } else {
    outbox.Resume();
  }
}

void SetKeepAlive(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).outbox()->SetKeepAlive(info.Env(), info[0].ToBoolean());
}

void ProcessExit(const Napi::CallbackInfo&) { OnProcessExit(); }

void ReportUncaught(const Napi::CallbackInfo& info) { napi_fatal_exception(info.Env(), info[0]); }

Napi::Value LiveCounts(const Napi::CallbackInfo& info) {
  const Outbox::Counts counts = Outbox::LiveCounts();
  const Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, int64_t count) {
    result.Set(name, Napi::Number::New(info.Env(), static_cast<double>(count)));
  };
  set("environments", counts.environments);
  set("memories", Memory::LiveCount());
  set("pendingMessages", counts.messages);
  set("channels", counts.channels);
  return result;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  SetMemoryToJs([](napi_env caller, const std::shared_ptr<Memory>& memory) {
    return Environment::Of(caller).tensors().Make(caller, memory);
  });
  PinThisBinary();
  LeaveWithoutDestructors();
  exports.Set("pythonVersion", Napi::String::New(env, PythonVersion()));
  exports.Set("client", Napi::Number::New(env, static_cast<double>(Environment::Of(env).outbox()->id())));
  exports.Set("start", Napi::Function::New<Start>(env, "start"));
  exports.Set("call", Napi::Function::New<CallPython>(env, "call"));
  exports.Set("setEventHandler", Napi::Function::New<SetEventHandler>(env, "setEventHandler"));
  exports.Set("setMemoryFactory", Napi::Function::New<SetMemoryFactory>(env, "setMemoryFactory"));
  exports.Set("createChannel", Napi::Function::New<CreateChannel>(env, "createChannel"));
  exports.Set("closeChannel", Napi::Function::New<CloseChannel>(env, "closeChannel"));
  exports.Set("setPaused", Napi::Function::New<SetPaused>(env, "setPaused"));
  exports.Set("setKeepAlive", Napi::Function::New<SetKeepAlive>(env, "setKeepAlive"));
  exports.Set("release", Napi::Function::New<Release>(env, "release"));
  exports.Set("share", Napi::Function::New<Share>(env, "share"));
  exports.Set("openShared", Napi::Function::New<OpenShared>(env, "openShared"));
  exports.Set("onProcessExit", Napi::Function::New<ProcessExit>(env, "onProcessExit"));
  exports.Set("reportUncaught", Napi::Function::New<ReportUncaught>(env, "reportUncaught"));
  exports.Set("liveCounts", Napi::Function::New<LiveCounts>(env, "liveCounts"));
  return exports;
}

NODE_API_MODULE(core, Init)

}  // namespace

}  // namespace bridge
