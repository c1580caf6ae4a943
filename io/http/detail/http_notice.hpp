// SPDX-License-Identifier: MIT
//
// HttpNotice: a request whose answer nobody needs: a notification, an answer to a question of the
// server's, the end of the session. It ends by itself, at the latest after kPatienceNs.
//
// Threading: the loop's thread.
#pragma once

#include "io/http/detail/http_peer.hpp"
#include "io/http/http_client.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire::io::detail {

class HttpNotice final : public ListNode, private HttpSink, private Timer {
 public:
  static constexpr std::uint64_t kPatienceNs = 10 * kNanosecondsPerSecond;

  class Owner {
   public:
    /// `end.error` is set if it did not arrive. Destroys the notice.
    virtual void on_notice_end(HttpNotice& notice, const HttpEnd& end) = 0;

   protected:
    ~Owner() = default;
  };

  HttpNotice(HttpPeer& peer, Owner& owner, HttpRequest request, std::uint64_t patience_ns)
      : owner_(owner) {
    peer.loop.arm(*this, peer.loop.now_ns() + patience_ns);
    HttpSink& sink = *this;
    exchange_ = peer.client.start(std::move(request), sink);
  }
  ~HttpNotice() = default;

  int status() const noexcept { return status_; }

 private:
  bool may_send() override { return true; }
  void on_head(const HttpHead& head) override { status_ = head.status; }
  /// Its size does not matter: the time is limited.
  void on_body(std::string_view) override {}
  void on_end(const HttpEnd& end) override { owner_.on_notice_end(*this, end); }
  void on_timer() override {
    HttpEnd end;
    // With a head it has arrived, whatever the server still has to say.
    if (status_ == 0) end.error = Error::of(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded);
    owner_.on_notice_end(*this, end);
  }

  Owner& owner_;
  std::unique_ptr<HttpExchange> exchange_;
  int status_ = 0;
};

}  // namespace mcpwire::io::detail
