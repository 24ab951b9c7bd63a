#include "events/outbox.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace bridge {

namespace {

std::atomic<int64_t> environment_count{0};
std::atomic<int64_t> message_count{0};
std::atomic<int64_t> next_channel{1};
std::atomic<int64_t> next_id{1};

// Which lane a channel belongs to, for threads that know the channel's number only. Never destroyed.
struct Registry {
  std::mutex mutex;
  std::map<int64_t, std::weak_ptr<EventLane>> lanes;
};

Registry& Channels() {
  static auto* registry = new Registry;
  return *registry;
}

void Unregister(int64_t channel) {
  Registry& registry = Channels();
  const std::scoped_lock lock(registry.mutex);
  registry.lanes.erase(channel);
}

}  // namespace

EventLane::EventLane() : id_(next_id++) {}

std::shared_ptr<EventLane> EventLane::Create(Napi::Env env, Deliver deliver) {
  const std::shared_ptr<EventLane> lane(new EventLane);
  lane->deliver_ = deliver;
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "wangp-node events"), 0, 1, nullptr,
                                      nullptr, lane.get(), OnTurn, &lane->tsfn_);
  if (status != napi_ok) throw Napi::Error::New(env, "the event lane's thread-safe function could not be created");
  napi_unref_threadsafe_function(env, lane->tsfn_);
  ++environment_count;
  return lane;
}

void EventLane::Close() {
  Queue dropped;
  std::map<int64_t, Channel> closing;
  {
    const std::scoped_lock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    message_count -= static_cast<int64_t>(queue_.size());
    dropped.swap(queue_);
    closing.swap(channels_);
    bytes_ = 0;
    if (!closed_) napi_release_threadsafe_function(tsfn_, napi_tsfn_abort);
    closed_ = true;
  }
  --environment_count;
  for (const auto& [channel, state] : closing) Unregister(channel);
}

void EventLane::SetKeepAlive(Napi::Env env, bool alive) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  if (alive) {
    napi_ref_threadsafe_function(env, tsfn_);
  } else {
    napi_unref_threadsafe_function(env, tsfn_);
  }
}

int64_t EventLane::CreateChannel() {
  const int64_t channel = next_channel++;
  {
    const std::scoped_lock lock(mutex_);
    channels_[channel];
  }
  Registry& registry = bridge::Channels();
  const std::scoped_lock lock(registry.mutex);
  registry.lanes[channel] = weak_from_this();
  return channel;
}

std::shared_ptr<EventLane> EventLane::Find(int64_t channel) {
  Registry& registry = bridge::Channels();
  const std::scoped_lock lock(registry.mutex);
  const auto found = registry.lanes.find(channel);
  return found == registry.lanes.end() ? nullptr : found->second.lock();
}

std::vector<int64_t> EventLane::Channels() {
  const std::scoped_lock lock(mutex_);
  std::vector<int64_t> channels;
  channels.reserve(channels_.size());
  for (const auto& [channel, state] : channels_) channels.push_back(channel);
  return channels;
}

void EventLane::CloseChannel(int64_t channel) {
  {
    const std::scoped_lock lock(mutex_);
    channels_.erase(channel);
  }
  Unregister(channel);
}

void EventLane::Settle(Settlement settlement) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  EnqueueMessage(std::move(settlement), 0);
}

void EventLane::OpenChannel(int64_t channel) {
  Queue given_up;
  const std::scoped_lock lock(mutex_);
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return;
  found->second.open = true;
  std::vector<Event> held;
  held.swap(found->second.held);
  for (Event& event : held) Enqueue(found->second, std::move(event), &given_up);
}

void EventLane::Push(Event event) {
  Event unwanted;
  Queue given_up;
  const std::scoped_lock lock(mutex_);
  const auto found = channels_.find(event.channel);
  if (closed_ || found == channels_.end()) {
    unwanted = std::move(event);
  } else if (found->second.open) {
    Enqueue(found->second, std::move(event), &given_up);
  } else {
    found->second.held.push_back(std::move(event));
  }
}

void EventLane::Enqueue(Channel& channel, Event event, Queue* given_up) {
  const size_t size = SizeOf(event.data) + event.kind.size();
  if (event.overflow == Overflow::kKeep) {
    EnqueueMessage(std::move(event), size);
    return;
  }
  KindState& kind = channel.kinds[event.kind];
  if (queue_.size() >= kMaxEvents || bytes_ + size > kMaxBytes) {
    GiveUp(kind, event.overflow == Overflow::kKeepLatest ? kind.queued.size() : 1, given_up);
  }
  EnqueueMessage(std::move(event), size);
  kind.queued.push_back(std::prev(queue_.end()));
}

void EventLane::GiveUp(KindState& kind, size_t count, Queue* given_up) {
  count = std::min(count, kind.queued.size());
  for (size_t i = 0; i < count; ++i) {
    const auto entry = kind.queued.front();
    kind.queued.pop_front();
    bytes_ -= entry->size;
    given_up->splice(given_up->end(), queue_, entry);
  }
  message_count -= static_cast<int64_t>(count);
  kind.dropped += static_cast<uint32_t>(count);
}

void EventLane::EnqueueMessage(Message message, size_t size) {
  queue_.push_back(Entry{std::move(message), size});
  bytes_ += size;
  ++message_count;
  Ring();
}

void EventLane::Ring() {
  while (rings_ < queue_.size() && !closed_) {
    ++rings_;
    if (napi_call_threadsafe_function(tsfn_, nullptr, napi_tsfn_nonblocking) == napi_closing) closed_ = true;
  }
}

void EventLane::HoldBack(Message message) {
  const auto* event = std::get_if<Event>(&message);
  const size_t size = event == nullptr ? 0 : SizeOf(event->data);
  Queue unwanted;
  unwanted.push_back(Entry{std::move(message), size});
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  queue_.splice(queue_.begin(), unwanted);
  bytes_ += size;
  ++message_count;
  paused_ = true;
}

void EventLane::Resume() {
  const std::scoped_lock lock(mutex_);
  paused_ = false;
  Ring();
}

bool EventLane::TakeNext(Message* message) {
  const std::scoped_lock lock(mutex_);
  --rings_;
  if (closed_ || paused_ || queue_.empty()) return false;
  const auto first = queue_.begin();
  if (auto* event = std::get_if<Event>(&first->message); event != nullptr && event->overflow != Overflow::kKeep) {
    const auto channel = channels_.find(event->channel);
    if (channel != channels_.end()) {
      KindState& kind = channel->second.kinds[event->kind];
      if (!kind.queued.empty() && kind.queued.front() == first) kind.queued.pop_front();
      event->dropped += std::exchange(kind.dropped, 0);  // it may have been held back
    }
  }
  *message = std::move(first->message);
  bytes_ -= first->size;
  queue_.erase(first);
  --message_count;
  return true;
}

// JS thread. Node opens a callback scope around each call: reactions and ticks have run before the next one.
void EventLane::OnTurn(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  auto* lane = static_cast<EventLane*>(context);
  Message message;
  if (lane->TakeNext(&message)) lane->deliver_(env, std::move(message));
}

EventLane::Counts EventLane::LiveCounts() {
  Registry& registry = bridge::Channels();
  const std::scoped_lock lock(registry.mutex);
  return {environment_count.load(), message_count.load(), static_cast<int64_t>(registry.lanes.size())};
}

}  // namespace bridge
