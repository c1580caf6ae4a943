// SPDX-License-Identifier: MIT
//
// May a call have reached a server? Thread 0 is the daemon, thread 1 the client.
#include "tests/explorer/ring_world.hpp"
#include "tests/explorer/scenarios.hpp"

namespace mcpwire::explorer {

namespace {

using protocol::CallState;
using protocol::may_have_been_sent;

constexpr std::uint64_t kCall = 5;

class Calls : public RingWorld {
 public:
  std::size_t thread_count() const override { return 2; }
  void start() override {
    begin_at(ring::kRingBytesMin);
    reached_server_ = was_refused_ = has_settled_ = said_not_sent_ = false;
  }
  void run(std::size_t index) override {
    if (index == 0) {
      daemon();
    } else {
      client();
    }
  }
  std::optional<std::string> verdict() override {
    if (said_not_sent_ && reached_server_) return "the client was told `not_sent`, a lie";
    const std::uint64_t word = segment(0).page->call_words[protocol::call_word_index(kCall)];
    if (was_refused_ && has_settled_ && may_have_been_sent(protocol::call_state_of(word, kCall))) {
      return "a call that was refused says for ever that it may have been sent";
    }
    return std::nullopt;
  }

 protected:
  virtual void client() = 0;

  virtual void daemon() {
    ring::DaemonCallWords words(segment(0), segment(1));
    words.publish(kCall, CallState::kClaimed);
    if (!words.begin_sending(kCall)) {
      was_refused_ = true;
      if (words.begin_sending(kCall)) fail("a revocation was forgotten");
      has_settled_ = true;
      return;
    }
    reached_server_ = true;
    words.publish(kCall, CallState::kSent);
  }

  ring::ClientCallWords client_words() { return {segment(1), segment(0)}; }

  // Each written by one thread; read when both have ended.
  bool reached_server_ = false;
  bool was_refused_ = false;
  bool has_settled_ = false;  ///< It was refused, and the daemon did not die over it.
  bool said_not_sent_ = false;
};

/// The daemon is alive, or stopped anywhere, which looks the same to a client: it just waits no
/// more.
class Revoked : public Calls {
 public:
  void client() override {
    const ring::ClientCallWords words = client_words();
    ring::ClientCallWords revoking = words;
    said_not_sent_ = !may_have_been_sent(revoking.revoke(kCall));
    // A second look is told no less than the first.
    if (!may_have_been_sent(words.state(kCall))) said_not_sent_ = true;
  }
};

/// The daemon dies at any step.
class Died : public Calls {
 public:
  bool may_die(std::size_t index) const override { return index == 0; }
  void client() override {
    wait_for_end(0);
    said_not_sent_ = !may_have_been_sent(client_words().state(kCall));
  }
};

class RevokedAndDied : public Died {
 public:
  void client() override {
    ring::ClientCallWords words = client_words();
    said_not_sent_ = !may_have_been_sent(words.revoke(kCall));
    wait_for_end(0);
    if (!may_have_been_sent(words.state(kCall))) said_not_sent_ = true;
  }
};

/// DONE means that the answer is in the ring.
class Answered : public Calls {
 public:
  void daemon() override {
    ring::DaemonCallWords words(segment(0), segment(1));
    if (!push(0, kCall, 32)) fail("no room for the answer");
    words.publish(kCall, CallState::kDone);
  }
  void client() override {
    if (client_words().state(kCall) != CallState::kDone) {
      wait_for_end(0);
      if (client_words().state(kCall) != CallState::kDone) fail("the last word is not DONE");
    }
    if (!pop(1, kCall)) fail("DONE, and no answer in the ring");
  }
};

/// The slot's next call is not the one that was revoked.
class NextOfItsSlot : public Calls {
 public:
  void daemon() override {
    ring::DaemonCallWords words(segment(0), segment(1));
    static_cast<void>(words.begin_sending(kCall));
    if (!words.begin_sending(kCall + protocol::kCallWindow)) fail("the wrong call is revoked");
  }
  void client() override {
    ring::ClientCallWords words = client_words();
    words.revoke(kCall);
    if (words.state(kCall + protocol::kCallWindow) == CallState::kClaimed) {
      fail("the state of another call");
    }
  }
};

template <class P>
std::unique_ptr<Program> make() {
  return std::make_unique<P>();
}

}  // namespace

void add_call_words(std::vector<Scenario>& all, Depth) {
  all.push_back({"ACallRevoked", make<Revoked>, 95});
  all.push_back({"ADaemonThatDies", make<Died>, 13});
  all.push_back({"ACallRevokedAndADaemonThatDies", make<RevokedAndDied>, 30});
  all.push_back({"AnAnswerBehindItsWord", make<Answered>, 10});
  all.push_back({"TwoCallsOfOneSlot", make<NextOfItsSlot>, 57});
}

}  // namespace mcpwire::explorer
