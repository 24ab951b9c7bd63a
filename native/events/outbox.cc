#include "events/outbox.h"

#include <atomic>
#include <utility>

namespace bridge {

namespace {

std::atomic<int64_t> environment_count{0};
std::atomic<int64_t> message_count{0};
std::atomic<int64_t> next_channel{1};
std::atomic<int64_t> next_id{1};

// Which outbox a channel belongs to, for threads that know the channel's number only. Never destroyed.
struct Registry {
  std::mutex mutex;
  std::map<int64_t, std::weak_ptr<Outbox>> outboxes;
};

Registry& TheRegistry() {
  static auto* registry = new Registry;
  return *registry;
}

void Unregister(int64_t channel) {
  Registry& registry = TheRegistry();
  const std::scoped_lock lock(registry.mutex);
  registry.outboxes.erase(channel);
}

}  // namespace

Outbox::Outbox() : id_(next_id++) {}

std::shared_ptr<Outbox> Outbox::Create(Napi::Env env, Deliver deliver) {
  const std::shared_ptr<Outbox> outbox(new Outbox);
  outbox->deliver_ = deliver;
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "wangp-node events"), 0, 1, nullptr,
                                      nullptr, outbox.get(), OnTurn, &outbox->tsfn_);
  if (status != napi_ok) throw Napi::Error::New(env, "the outbox's thread-safe function could not be created");
  napi_unref_threadsafe_function(env, outbox->tsfn_);
  ++environment_count;
  return outbox;
}

void Outbox::Close() {
  Queue dropped;
  std::map<int64_t, Channel> closing;
  {
    const std::scoped_lock lock(mutex_);
    if (state_ == State::kEnded) return;
    if (IsTouchable()) napi_release_threadsafe_function(tsfn_, napi_tsfn_abort);
    state_ = State::kEnded;
    dropped.swap(queue_);
    closing.swap(channels_);
    message_count -= static_cast<int64_t>(events_);
    events_ = bytes_ = 0;
  }
  --environment_count;
  for (const auto& [channel, state] : closing) Unregister(channel);
}

bool Outbox::has_ended() {
  const std::scoped_lock lock(mutex_);
  return state_ == State::kEnded;
}

void Outbox::SetKeepAlive(Napi::Env env, bool alive) {
  const std::scoped_lock lock(mutex_);
  if (!IsTouchable()) return;
  if (alive) {
    napi_ref_threadsafe_function(env, tsfn_);
  } else {
    napi_unref_threadsafe_function(env, tsfn_);
  }
}

int64_t Outbox::CreateChannel() {
  const int64_t channel = next_channel++;
  {
    const std::scoped_lock lock(mutex_);
    channels_[channel];
  }
  Registry& registry = TheRegistry();
  const std::scoped_lock lock(registry.mutex);
  registry.outboxes[channel] = weak_from_this();
  return channel;
}

std::shared_ptr<Outbox> Outbox::Find(int64_t channel) {
  Registry& registry = TheRegistry();
  const std::scoped_lock lock(registry.mutex);
  const auto found = registry.outboxes.find(channel);
  return found == registry.outboxes.end() ? nullptr : found->second.lock();
}

std::vector<int64_t> Outbox::Channels() {
  const std::scoped_lock lock(mutex_);
  std::vector<int64_t> channels;
  channels.reserve(channels_.size());
  for (const auto& [channel, state] : channels_) channels.push_back(channel);
  return channels;
}

void Outbox::CloseChannel(int64_t channel) {
  Queue unwanted;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = channels_.find(channel);
    if (found == channels_.end()) return;
    unwanted.swap(found->second.held);
    for (const Entry& entry : unwanted) bytes_ -= entry.size;
    events_ -= unwanted.size();
    message_count -= static_cast<int64_t>(unwanted.size());
    channels_.erase(found);
  }
  Unregister(channel);
}

void Outbox::Settle(Settlement settlement) {
  Queue single;
  single.push_back(Entry{std::move(settlement), 0});
  const std::scoped_lock lock(mutex_);
  if (IsTouchable()) Append(&queue_, &single);
}

void Outbox::OpenChannel(int64_t channel) {
  const std::scoped_lock lock(mutex_);
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return;
  found->second.open = true;
  // The places of its entries stay what they are.
  queue_.splice(queue_.end(), found->second.held);
  Ring();
}

void Outbox::Push(Event event) {
  const size_t size = SizeOf(event.data) + event.kind.size();
  const Overflow overflow = event.overflow;
  const int64_t channel = event.channel;
  const std::string kind = event.kind;
  // Declared before the lock: what nobody wants is freed after it.
  Queue given_up;
  Queue single;
  single.push_back(Entry{std::move(event), size});
  const std::scoped_lock lock(mutex_);
  const auto found = channels_.find(channel);
  if (!IsTouchable() || found == channels_.end()) return;
  Channel& its_channel = found->second;
  Queue& queue = its_channel.open ? queue_ : its_channel.held;
  if (overflow == Overflow::kKeep) {
    Append(&queue, &single);
    return;
  }
  KindState& state = its_channel.kinds[kind];
  MakeRoom(its_channel, state, overflow, size, &given_up);
  state.waiting.push_back(single.begin());
  Append(&queue, &single);
}

// A new event displaces only events of its own channel and kind: of all others something may be owed.
void Outbox::MakeRoom(Channel& channel, KindState& kind, Overflow overflow, size_t size, Queue* given_up) {
  if (!IsFull(size)) return;
  Queue& queue = channel.open ? queue_ : channel.held;
  while (!kind.waiting.empty() && (overflow == Overflow::kKeepLatest || IsFull(size))) {
    const auto entry = kind.waiting.front();
    kind.waiting.pop_front();
    bytes_ -= entry->size;
    --events_;
    --message_count;
    ++kind.dropped;
    given_up->splice(given_up->end(), queue, entry);
  }
}

void Outbox::Append(Queue* queue, Queue* single) {
  bytes_ += single->front().size;
  ++events_;
  ++message_count;
  queue->splice(queue->end(), *single);
  Ring();
}

void Outbox::Ring() {
  while (rings_ < queue_.size() && state_ == State::kOpen) {
    ++rings_;
    if (napi_call_threadsafe_function(tsfn_, nullptr, napi_tsfn_nonblocking) == napi_closing) state_ = State::kClosing;
  }
}

void Outbox::HoldBack(Message message) {
  const auto* event = std::get_if<Event>(&message);
  const size_t size = event == nullptr ? 0 : SizeOf(event->data);
  Queue single;
  single.push_back(Entry{std::move(message), size});
  const std::scoped_lock lock(mutex_);
  if (!IsTouchable()) return;
  queue_.splice(queue_.begin(), single);
  bytes_ += size;
  ++events_;
  ++message_count;
  state_ = State::kPaused;
}

void Outbox::Pause() {
  const std::scoped_lock lock(mutex_);
  if (state_ == State::kOpen) state_ = State::kPaused;
}

void Outbox::Resume() {
  const std::scoped_lock lock(mutex_);
  if (state_ == State::kPaused) state_ = State::kOpen;
  Ring();
}

bool Outbox::TakeNext(Message* message) {
  Queue taken;
  const std::scoped_lock lock(mutex_);
  --rings_;
  if (state_ != State::kOpen || queue_.empty()) return false;
  const auto first = queue_.begin();
  if (auto* event = std::get_if<Event>(&first->message); event != nullptr && event->overflow != Overflow::kKeep) {
    const auto channel = channels_.find(event->channel);
    if (channel != channels_.end()) {
      KindState& kind = channel->second.kinds[event->kind];
      if (!kind.waiting.empty() && kind.waiting.front() == first) kind.waiting.pop_front();
      event->dropped += std::exchange(kind.dropped, 0);  // it may have been held back
    }
  }
  *message = std::move(first->message);
  bytes_ -= first->size;
  --events_;
  --message_count;
  taken.splice(taken.end(), queue_, first);
  return true;
}

// JS thread. Node opens a callback scope around each call: reactions and ticks have run before the next one.
void Outbox::OnTurn(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  auto* outbox = static_cast<Outbox*>(context);
  Message message;
  if (outbox->TakeNext(&message)) outbox->deliver_(env, std::move(message));
}

Outbox::Counts Outbox::LiveCounts() {
  Registry& registry = TheRegistry();
  const std::scoped_lock lock(registry.mutex);
  return {environment_count.load(), message_count.load(), static_cast<int64_t>(registry.outboxes.size())};
}

}  // namespace bridge
