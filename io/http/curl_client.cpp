// SPDX-License-Identifier: MIT
#include "io/http/curl_client.hpp"

#include "io/http/detail/curl_sockets.hpp"
#include "io/http/detail/curl_transfer.hpp"
#include "protocol/base/check.hpp"

#include <unordered_map>
#include <utility>
#include <vector>

namespace mcpwire::io {

using detail::CurlLibrary;
using detail::CurlTransfer;

namespace {

/// Idle connections that are kept, of all servers together.
constexpr long kConnectionsKeptMax = 32;
/// Easy handles that wait for their next request; one has some 12 KB.
constexpr std::size_t kSpareHandlesMax = 8;

}  // namespace

/// The multi handle and the transfers in it. Starting, resuming and removing wait for a step of the
/// loop in which libcurl is not on the stack.
class CurlClient::Engine final : private detail::CurlSockets::Observer, private Runnable {
 public:
  class Exchange;

  Engine(Loop& loop, const CurlLibrary& curl, CURLM* multi, const CurlClientOptions& options)
      : loop_(loop),
        curl_(curl),
        multi_(multi),
        limits_{options.connect_timeout_ms, kReuseIdleSecondsMax},
        sockets_(std::make_unique<detail::CurlSockets>(loop, curl, multi, as_observer())) {
    curl_.multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionsKeptMax);
  }
  ~Engine();

  std::unique_ptr<HttpExchange> start(HttpRequest request, HttpSink& sink);
  void give_up(CurlTransfer& transfer);
  void resume_later(CurlTransfer& transfer);

 private:
  enum class State : std::uint8_t { kNew, kRunning, kDone };
  struct Slot {
    std::unique_ptr<CurlTransfer> transfer;
    State state = State::kNew;
    bool is_resuming = false;
  };

  detail::CurlSockets::Observer& as_observer() noexcept { return *this; }
  CURL* take_handle();
  void run() override;
  void run_slot(Slot& slot);
  void add(Slot& slot);
  void on_progress() override;
  void drop(CurlTransfer& transfer);

  Loop& loop_;
  const CurlLibrary& curl_;
  CURLM* multi_;
  detail::CurlLimits limits_;
  std::unique_ptr<detail::CurlSockets> sockets_;
  std::unordered_map<CurlTransfer*, Slot> slots_;
  std::vector<CurlTransfer*> waiting_;  ///< Something is to be done with them in run().
  std::vector<CURL*> spare_;
  bool is_reading_ = false;
};

class CurlClient::Engine::Exchange final : public HttpExchange {
 public:
  Exchange(Engine& engine, CurlTransfer& transfer) noexcept
      : engine_(engine), transfer_(&transfer) {}
  ~Exchange() override { engine_.give_up(*transfer_); }
  void pause() override { transfer_->pause(); }
  void resume() override { engine_.resume_later(*transfer_); }

 private:
  Engine& engine_;
  CurlTransfer* transfer_;
};

CurlClient::Engine::~Engine() {
  for (const auto& [transfer, slot] : slots_) {
    MCPWIRE_CHECK(transfer->is_abandoned());
    if (slot.state == State::kRunning) curl_.multi_remove_handle(multi_, transfer->easy());
    curl_.easy_cleanup(transfer->easy());
  }
  for (CURL* const easy : spare_) curl_.easy_cleanup(easy);
  curl_.multi_cleanup(multi_);
}

CURL* CurlClient::Engine::take_handle() {
  if (spare_.empty()) return curl_.easy_init();
  CURL* const easy = spare_.back();
  spare_.pop_back();
  return easy;
}

std::unique_ptr<HttpExchange> CurlClient::Engine::start(HttpRequest request, HttpSink& sink) {
  CURL* const easy = take_handle();
  MCPWIRE_CHECK(easy != nullptr);
  auto transfer = std::make_unique<CurlTransfer>(curl_, easy, std::move(request), sink, limits_);
  CurlTransfer& started = *transfer;
  slots_.emplace(&started, Slot{std::move(transfer)});
  waiting_.push_back(&started);
  loop_.post(*this);
  return std::make_unique<Exchange>(*this, started);
}

void CurlClient::Engine::give_up(CurlTransfer& transfer) {
  transfer.abandon();
  waiting_.push_back(&transfer);
  loop_.post(*this);
}

void CurlClient::Engine::resume_later(CurlTransfer& transfer) {
  slots_.at(&transfer).is_resuming = true;
  waiting_.push_back(&transfer);
  loop_.post(*this);
}

void CurlClient::Engine::run() {
  const std::vector<CurlTransfer*> waiting = std::exchange(waiting_, {});
  for (CurlTransfer* const transfer : waiting) {
    const auto found = slots_.find(transfer);
    if (found != slots_.end()) run_slot(found->second);
  }
}

void CurlClient::Engine::run_slot(Slot& slot) {
  CurlTransfer& transfer = *slot.transfer;
  if (transfer.is_abandoned()) return drop(transfer);
  if (slot.state == State::kNew) {
    add(slot);
  } else if (std::exchange(slot.is_resuming, false) && slot.state == State::kRunning) {
    sockets_->enter([&] { transfer.resume(); });
  }
}

void CurlClient::Engine::add(Slot& slot) {
  CurlTransfer& transfer = *slot.transfer;
  bool is_added = false;
  if (transfer.is_usable()) {
    slot.state = State::kRunning;
    sockets_->enter(
        [&] { is_added = curl_.multi_add_handle(multi_, transfer.easy()) == CURLM_OK; });
  }
  if (!is_added) {
    slot.state = State::kDone;
    transfer.finish_unsent(Error::with_detail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                                              "libcurl refuses the request's settings"));
  }
}

/// Reads libcurl's verdicts. Sinks may start and destroy exchanges meanwhile.
void CurlClient::Engine::on_progress() {
  if (std::exchange(is_reading_, true)) return;
  int left = 0;
  while (CURLMsg* const message = curl_.multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    CurlTransfer& transfer = CurlTransfer::of(curl_, easy);
    slots_.at(&transfer).state = State::kDone;
    curl_.multi_remove_handle(multi_, easy);
    transfer.finish(code);
  }
  is_reading_ = false;
}

void CurlClient::Engine::drop(CurlTransfer& transfer) {
  const auto found = slots_.find(&transfer);
  CURL* easy = transfer.easy();
  if (found->second.state == State::kRunning) {
    sockets_->enter([&] { curl_.multi_remove_handle(multi_, easy); });
  }
  slots_.erase(&transfer);
  if (spare_.size() < kSpareHandlesMax) {
    curl_.easy_reset(easy);
    spare_.push_back(easy);
  } else {
    curl_.easy_cleanup(easy);
  }
}

// --- CurlClient ------------------------------------------------------------------------------

Result<void> CurlClient::load() {
  TRY(detail::curl_library());
  return {};
}

Result<std::unique_ptr<CurlClient>> CurlClient::create(Loop& loop, CurlClientOptions options) {
  const CurlLibrary& curl = *TRY(detail::curl_library());
  CURLM* const multi = curl.multi_init();
  if (multi == nullptr) return fail(ErrorKind::kInternal, ErrorCode::kOutOfMemory);
  auto engine = std::make_unique<Engine>(loop, curl, multi, options);
  return std::unique_ptr<CurlClient>(new CurlClient(std::move(engine)));
}

CurlClient::CurlClient(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
CurlClient::~CurlClient() = default;

std::unique_ptr<HttpExchange> CurlClient::start(HttpRequest request, HttpSink& sink) {
  return engine_->start(std::move(request), sink);
}

}  // namespace mcpwire::io
