// What Python has to say to one Node environment (the main thread or a Worker): settled calls and events, in one order.
//
// Any thread pushes; the environment's JS thread takes one message per turn, so that promise reactions and ticks run
// between two messages. The outbox outlives its environment: Close() (an environment cleanup hook) makes every later
// push a no-op, and the thread-safe function is never touched again.
//
// Invariant: while the outbox is kOpen, calls of the thread-safe function that are under way (`rings_`) are never fewer
// than messages in the queue. A spare one is harmless: its turn finds nothing to take.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "napi_setup.h"
#include "values/value.h"

namespace bridge {

// What may happen to an event when JavaScript falls behind; the numbers are part of the Python module's interface.
enum class Overflow { kKeep = 0, kKeepLatest = 1, kDropOldest = 2 };

struct Event {
  int64_t channel = 0;
  std::string kind;
  Value data;
  double timestamp = 0;  // seconds since the epoch
  uint32_t dropped = 0;  // events of this kind given up before this one
  Overflow overflow = Overflow::kKeep;
};

struct Settlement {
  napi_deferred deferred = nullptr;
  std::variant<Value, ErrorInfo> outcome;
};

using Message = std::variant<Settlement, Event>;

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  // Beyond either limit events give way as their Overflow says, those that are held back too.
  static constexpr size_t kMaxEvents = 10'000;
  static constexpr size_t kMaxBytes = 64U << 20U;

  using Deliver = void (*)(napi_env env, Message message);

  // JS thread.
  static std::shared_ptr<Outbox> Create(Napi::Env env, Deliver deliver);
  // JS thread, in the environment's cleanup hook.
  void Close();
  // Any thread. Whether the environment has ended: what it asked for is nobody's any more.
  [[nodiscard]] bool has_ended();
  // JS thread.
  void SetKeepAlive(Napi::Env env, bool alive);

  // JS thread. A channel holds its events back until OpenChannel.
  int64_t CreateChannel();
  // Any thread.
  void Settle(Settlement settlement);
  void OpenChannel(int64_t channel);
  void CloseChannel(int64_t channel);
  void Push(Event event);

  // JS thread, while a message is delivered: it comes first again, and nothing is delivered before Resume().
  void HoldBack(Message message);
  // JS thread. Nothing is delivered before Resume(); events that come meanwhile give way as their Overflow says.
  void Pause();
  // Any thread.
  void Resume();

  // Tells the environments of the process apart.
  [[nodiscard]] int64_t id() const { return id_; }

  // The outbox that `channel` belongs to; null once it is closed. Any thread.
  static std::shared_ptr<Outbox> Find(int64_t channel);
  // The channels that are open when the outbox closes have nobody left to listen. JS thread.
  std::vector<int64_t> Channels();

  struct Counts {
    int64_t environments;
    int64_t messages;
    int64_t channels;
  };
  static Counts LiveCounts();

 private:
  enum class State {
    kOpen,
    kPaused,   // HoldBack(), Pause(): messages wait for Resume()
    kClosing,  // Node takes the thread-safe function away: it may not be touched any more
    kEnded,    // Close() was called
  };

  struct Entry {
    Message message;
    size_t size;
  };
  using Queue = std::list<Entry>;

  struct KindState {
    std::deque<Queue::iterator> waiting;  // oldest first; only kinds that may be dropped
    uint32_t dropped = 0;
  };
  struct Channel {
    bool open = false;
    Queue held;  // its events, until it is opened
    std::map<std::string, KindState> kinds;
  };

  Outbox();
  static void OnTurn(napi_env env, napi_value callback, void* context, void* data);

  // The mutex is held in these. What is given up goes to `given_up`, to be freed without it: that may
  // take long, and takes the release lane's mutex.
  [[nodiscard]] bool IsTouchable() const { return state_ == State::kOpen || state_ == State::kPaused; }
  [[nodiscard]] bool IsFull(size_t size) const { return events_ >= kMaxEvents || bytes_ + size > kMaxBytes; }
  void Append(Queue* queue, Queue* single);
  void MakeRoom(Channel& channel, KindState& kind, Overflow overflow, size_t size, Queue* given_up);
  void Ring();

  bool TakeNext(Message* message);

  const int64_t id_;
  std::mutex mutex_;  // held for queue operations only, never around Python or JavaScript
  State state_ = State::kOpen;
  Queue queue_;
  size_t rings_ = 0;
  // Of what waits, in the queue and held back by channels.
  size_t events_ = 0;
  size_t bytes_ = 0;
  std::map<int64_t, Channel> channels_;
  napi_threadsafe_function tsfn_ = nullptr;
  Deliver deliver_ = nullptr;
};

}  // namespace bridge
