// SPDX-License-Identifier: MIT
#include "tools/demo_server/http_host.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

namespace mcpwire::demo {
namespace {

constexpr int kWaitingMax = 128;
constexpr std::size_t kConnectionsMax = 1000;
constexpr int kMillisecondsMax = 1'000'000;

std::string_view reason_of(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return status < 400 ? "Other" : "Refused";
  }
}

std::string hex(std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return {digits.data(), end.ptr};
}

Failure bad_place() {
  return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
              std::string("--http wants [HOST:]PORT, HOST an IPv4 address"));
}

Result<sockaddr_in> address_of(std::string_view place) {
  const std::size_t colon = place.rfind(':');
  const std::string host(colon == place.npos ? "127.0.0.1" : place.substr(0, colon));
  const std::string_view port_text = colon == place.npos ? place : place.substr(colon + 1);
  std::uint16_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [stop, failure] = std::from_chars(port_text.data(), end, port);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const bool is_host = ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1;
  if (failure != std::errc() || stop != end || !is_host) return bad_place();
  return address;
}

}  // namespace

/// One client. Requests are served one after the other, as HTTP/1.1 has it.
class HttpHost::Connection {
 public:
  Connection(HttpHost& host, UniqueFd fd) noexcept : host_(host), fd_(std::move(fd)) {}

  int fd() const noexcept { return fd_.get(); }
  bool is_over() const noexcept { return is_over_ || (is_closing_ && out_.empty()); }
  short wanted() const noexcept {
    return static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT));
  }
  std::uint64_t next_due_ns() const noexcept {
    return work_ == nullptr ? kNever : work_->session.next_due_ns();
  }

  void on_events(short events);
  void on_time(std::uint64_t now_ns);

 private:
  void read();
  void serve();
  void begin(const HttpMessage& message);
  void say();
  void answer(const HttpAnswer& answer);
  void flush();

  HttpHost& host_;
  UniqueFd fd_;
  HttpRequestParser parser_;
  std::string in_;
  std::string out_;
  std::unique_ptr<HttpWork> work_;
  bool keeps_alive_ = true;
  bool is_closing_ = false;  ///< Once all is written.
  bool is_over_ = false;
};

void HttpHost::Connection::on_events(short events) {
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) read();
  if (!is_over_ && (events & POLLOUT) != 0) flush();
}

void HttpHost::Connection::read() {
  std::array<char, 65536> bytes;
  const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    // A client that goes takes back what it asked for.
    is_over_ = true;
    return;
  }
  in_.append(bytes.data(), static_cast<std::size_t>(got));
  serve();
}

void HttpHost::Connection::serve() {
  while (work_ == nullptr && !is_closing_ && !in_.empty()) {
    std::string_view rest = in_;
    const HttpRequestParser::State state = parser_.feed(rest);
    in_.erase(0, in_.size() - rest.size());
    if (state == HttpRequestParser::State::kNeedMore) return;
    if (state == HttpRequestParser::State::kDone) {
      begin(parser_.take());
      continue;
    }
    keeps_alive_ = false;
    answer({.status = state == HttpRequestParser::State::kTooLarge ? 413 : 400});
  }
}

void HttpHost::Connection::begin(const HttpMessage& message) {
  keeps_alive_ = message.keeps_alive;
  HttpEndpoint::Begun begun = host_.endpoint_.begin(message);
  if (begun.answer.has_value()) return answer(*begun.answer);
  work_ = std::move(begun.work);
  const bool is_short = std::ranges::count(work_->out, '\n') <= 1;
  const bool may_be_json = host_.answers_ == HttpAnswers::kAsTheyCome || work_->out.empty();
  if (work_->is_over() && is_short && may_be_json) {
    const HttpAnswer whole = host_.endpoint_.answer_of(*work_);
    work_.reset();
    return answer(whole);
  }
  out_ += "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
  out_ += work_->headers + "\r\n";
  say();
}

void HttpHost::Connection::on_time(std::uint64_t now_ns) {
  if (next_due_ns() > now_ns) return;
  work_->session.on_time(now_ns);
  say();
  serve();
}

/// Puts what the work has said into events, and ends the stream where it is over.
void HttpHost::Connection::say() {
  std::string_view rest = work_->out;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string event("data: ");
    event.append(line).append("\n\n");
    out_ += hex(event.size()) + "\r\n" + event + "\r\n";
  }
  work_->out.clear();
  if (work_->is_over()) {
    out_ += "0\r\n\r\n";
    work_.reset();
    is_closing_ = !keeps_alive_;
  }
  flush();
}

void HttpHost::Connection::answer(const HttpAnswer& answer) {
  std::string_view json = answer.json;
  if (json.ends_with('\n')) json.remove_suffix(1);
  out_ += "HTTP/1.1 " + std::to_string(answer.status) + " ";
  out_.append(reason_of(answer.status)).append("\r\n").append(answer.headers);
  if (!json.empty()) out_ += "Content-Type: application/json\r\n";
  if (!keeps_alive_) out_ += "Connection: close\r\n";
  out_ += "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n";
  out_ += json;
  is_closing_ = !keeps_alive_;
  flush();
}

void HttpHost::Connection::flush() {
  const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
  is_over_ |= sent < 0 && errno != EAGAIN && errno != EINTR;
}

// --- HttpHost --------------------------------------------------------------------------------

HttpHost::HttpHost(SessionOptions options, HttpAnswers answers)
    : endpoint_(options, *this), answers_(answers) {}
HttpHost::~HttpHost() = default;

Result<void> HttpHost::listen(std::string_view place) {
  sockaddr_in address = TRY(address_of(place));
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t bytes = sizeof address;
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool is_listening = ::bind(listener_.get(), raw, sizeof address) == 0 &&
                            ::listen(listener_.get(), kWaitingMax) == 0 &&
                            ::getsockname(listener_.get(), raw, &bytes) == 0;
  if (!is_listening) return fail(Error::from_errno(ErrorKind::kConfiguration, errno, "listen"));
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  address_ = std::string(text.data()) + ":" + std::to_string(ntohs(address.sin_port));
  return {};
}

std::string HttpHost::url() const { return "http://" + address_ + "/mcp"; }

int HttpHost::run() {
  std::vector<pollfd> watched;
  for (;;) {
    watched.assign(1, {listener_.get(), POLLIN, 0});
    std::uint64_t due_ns = kNever;
    for (const auto& connection : connections_) {
      watched.push_back({connection->fd(), connection->wanted(), 0});
      due_ns = std::min(due_ns, connection->next_due_ns());
    }
    const std::uint64_t now_ns = monotonic_ns();
    int wait_ms = -1;
    if (due_ns != kNever) {
      const std::uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
      wait_ms = static_cast<int>(
          std::min<std::uint64_t>(kMillisecondsMax, (left_ns + 999'999) / 1'000'000));
    }
    if (::poll(watched.data(), watched.size(), wait_ms) < 0 && errno != EINTR) return 1;
    auto ready = watched.begin() + 1;
    for (const auto& connection : connections_) {
      if (ready->revents != 0) connection->on_events(ready->revents);
      ++ready;
      if (!connection->is_over()) connection->on_time(monotonic_ns());
    }
    connections_.remove_if([](const auto& connection) { return connection->is_over(); });
    if (watched.front().revents != 0) accept_one();
  }
}

void HttpHost::accept_one() {
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd || connections_.size() >= kConnectionsMax) return;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connections_.push_back(std::make_unique<Connection>(*this, std::move(fd)));
}

void HttpHost::crash(std::string_view) noexcept { ::_exit(1); }

}  // namespace mcpwire::demo
