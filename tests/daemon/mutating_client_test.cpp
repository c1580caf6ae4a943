// SPDX-License-Identifier: MIT
//
// A client whose other thread changes its shared memory at full speed while the daemon reads it:
// headers, payloads, commit words, positions, anything. Every message that the daemon makes of it
// is whole and private, and what was checked is what goes to the server: one line, one JSON object.
// MCPWIRE_MUTATIONS sets how many changes (default 10^7), MCPWIRE_SEED repeats a run.
#include "io/client_channel.hpp"
#include "protocol/json/value.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"
#include "tests/io/client_channel_fixture.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <thread>

namespace mcpwire::daemon {
namespace {

using io::RawClient;
using protocol::FrameKind;
using protocol::Method;

constexpr std::uint32_t kRing = 4096;
constexpr std::size_t kWords = (ring::kControlBytes + kRing) / 8;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What the mutator aims at; the rest of the time it hits anything.
enum class Aim : int { kNothing, kPayload, kHeaders, kCommit, kPage, kAnything };
constexpr int kAims = 6;

/// Changes words of one mapping for as long as it has one.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed), thread_([this] { run(); }) {}
  ~Mutator() {
    stops_.store(true, std::memory_order_relaxed);
    thread_.join();
  }
  Mutator(const Mutator&) = delete;
  Mutator& operator=(const Mutator&) = delete;

  void attack(std::byte* base, Aim aim) {
    aim_.store(aim, std::memory_order_relaxed);
    base_.store(base, std::memory_order_release);
  }
  /// Afterwards the memory may go.
  void rest() {
    base_.store(nullptr, std::memory_order_seq_cst);
    while (is_busy_.load(std::memory_order_seq_cst)) std::this_thread::yield();
  }
  std::uint64_t mutations() const { return mutations_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kBurst = 64;

  void run() {
    while (!stops_.load(std::memory_order_relaxed)) {
      is_busy_.store(true, std::memory_order_seq_cst);
      std::byte* base = base_.load(std::memory_order_seq_cst);
      const Aim aim = aim_.load(std::memory_order_relaxed);
      if (base != nullptr && aim != Aim::kNothing) {
        for (int i = 0; i < kBurst; ++i) mutate(base, aim);
        mutations_.fetch_add(kBurst, std::memory_order_relaxed);
      }
      is_busy_.store(false, std::memory_order_seq_cst);
      if (base == nullptr || aim == Aim::kNothing) std::this_thread::yield();
    }
  }

  void mutate(std::byte* base, Aim aim) {
    auto* words = reinterpret_cast<std::uint64_t*>(base);
    const std::uint64_t dice = random_();
    const std::atomic_ref<std::uint64_t> word(words[word_index(dice, aim)]);
    const std::uint64_t before = word.load(std::memory_order_relaxed);
    word.store(changed(before, dice >> 32), std::memory_order_relaxed);
  }

  /// The honest half writes records of 192 bytes, 21 to a lap, with the arguments in words 17
  /// to 20.
  static std::size_t word_index(std::uint64_t dice, Aim aim) {
    const std::size_t record = ring::kControlBytes / 8 + (dice >> 8) % 21 * 24;
    const std::size_t word = dice >> 16;
    switch (aim) {
      case Aim::kPayload:
        return record + (dice % 2 == 0 ? 17 + word % 4 : 4 + word % 20);
      case Aim::kHeaders:
        return record + word % 4;
      case Aim::kCommit:
        return record + 2;
      case Aim::kPage:
        return word % (ring::kControlBytes / 8);
      default:
        return word % kWords;
    }
  }

  static std::uint64_t changed(std::uint64_t before, std::uint64_t dice) {
    constexpr std::uint64_t kNewlines = 0x0a0a'0a0a'0a0a'0a0a;
    const std::uint64_t byte = dice >> 8 & 7;
    switch (dice % 6) {
      case 0:
        return before ^ std::uint64_t{1} << (dice >> 8 & 63);
      case 1:
        return (before & ~(std::uint64_t{0xff} << 8 * byte)) | std::uint64_t{'\n'} << 8 * byte;
      case 2:
        return (before & ~(std::uint64_t{0xff} << 8 * byte)) | std::uint64_t{'"'} << 8 * byte;
      case 3:
        return kNewlines;
      case 4:
        return before + 1;
      default:
        return dice * 0x9e37'79b9'7f4a'7c15;
    }
  }

  std::mt19937_64 random_;
  std::atomic<std::byte*> base_{nullptr};
  std::atomic<Aim> aim_{Aim::kNothing};
  std::atomic<bool> is_busy_{false};
  std::atomic<bool> stops_{false};
  std::atomic<std::uint64_t> mutations_{0};
  std::thread thread_;
};

struct Seen {
  std::uint64_t delivered = 0;
  std::uint64_t sent_to_server = 0;
};

/// Between the channel and the session: looks at each message before and after it was handled.
class CheckingChannel final : public FrameChannel, private FrameChannel::Receiver {
 public:
  CheckingChannel(std::unique_ptr<io::ClientChannel> channel, Seen& seen)
      : channel_(std::move(channel)), seen_(seen) {}

  void start(FrameChannel::Receiver& receiver) override {
    receiver_ = &receiver;
    channel_->start(*this);
  }
  Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                    ByteSpan body) override {
    return channel_->send(header, correlation, head, body);
  }
  bool has_unsent() const noexcept override { return channel_->has_unsent(); }
  void publish_call_state(std::uint64_t correlation, protocol::CallState state) override {
    channel_->publish_call_state(correlation, state);
  }
  bool begin_sending(std::uint64_t correlation) override {
    return channel_->begin_sending(correlation);
  }
  std::int32_t peer_process_id() const noexcept override { return channel_->peer_process_id(); }
  void close() noexcept override { channel_->close(); }

 private:
  void on_frame(const protocol::FrameHeader& header, ByteSpan payload) override {
    ++seen_.delivered;
    EXPECT_EQ(protocol::check_header(header.request, protocol::kInlinePayloadBytesMax),
              protocol::HeaderFault::kOk);
    EXPECT_EQ(header.request.payload_len, payload.size());
    EXPECT_EQ(header.commit, 0U);
    EXPECT_LE(header.correlation, protocol::kCorrelationMax);
    const std::string before(as_text(payload));
    receiver_->on_frame(header, payload);
    EXPECT_EQ(as_text(payload), before) << "the payload is not private";
  }
  void on_channel_closed(const Error& why) override { receiver_->on_channel_closed(why); }
  void on_all_sent() override { receiver_->on_all_sent(); }

  std::unique_ptr<io::ClientChannel> channel_;
  Seen& seen_;
  FrameChannel::Receiver* receiver_ = nullptr;
};

class Ending final : public Session::Owner {
 public:
  explicit Ending(Services& services) noexcept : Owner(services), loop_(services.loop) {}
  void on_session_closing(Session& session) override { end_.emplace(loop_, session.end()); }
  bool has_ended() const noexcept { return end_ && end_->has_ended(); }

 private:
  EventLoop& loop_;
  std::optional<test_support::BackgroundTask<Result<void>>> end_;
};

class MutatingClientTest : public DaemonTest {
 protected:
  MutatingClientTest()
      : host_(*helper_loop, {.daemon_version = "test",
                             .spin_ns = 0,
                             .on_violation = [this](std::int32_t, const Error& why) {
                               ++reports_;
                               EXPECT_FALSE(why.message().empty());
                             }}) {
    configure({"files"});
    factory.prepare = [this](Server& server) {
      server.transport.handler = [this](std::string_view method, std::string_view params) {
        // A changed method asks for the tools, say.
        if (method == "tools/call") {
          check_line(params);
        } else {
          EXPECT_EQ(params.find_first_of("\r\n"), std::string_view::npos) << params;
        }
        return std::optional<io::RpcReply>(io::RpcReply{protocol::Outcome::kOk, "{}", {}, true});
      };
    };
  }

  /// What is about to be written to the server.
  void check_line(std::string_view params) {
    ++seen_.sent_to_server;
    EXPECT_EQ(params.find_first_of("\r\n"), std::string_view::npos) << params;
    constexpr std::array<std::string_view, 2> kNames = {"name", "arguments"};
    std::array<std::string_view, 2> values;
    ASSERT_TRUE(reader_.extract_fields(params, kNames, values).has_value()) << params;
    EXPECT_EQ(*reader_.validate(values[1]), protocol::json::ValueKind::kObject) << params;
    EXPECT_EQ(params.size(), values[0].size() + values[1].size() + 22) << params;
  }

  /// The loop learns of the socket only when it looks again.
  void settle_loop() {
    for (int i = 0; i < 3; ++i) settle();
  }

  std::string hello_payload() {
    RawClient::Hello hello = RawClient::hello(kRing);
    const FileIdentity seen = identity_of(kConfigPath);
    hello.fixed.config_origin = key().origin;
    hello.fixed.config_device = seen.device;
    hello.fixed.config_inode = seen.inode;
    hello.fixed.config_bytes = seen.bytes;
    hello.fixed.config_modified_ns = seen.modified_ns;
    hello.fixed.config_changed_ns = seen.changed_ns;
    hello.fixed.config_path = hello.add(key().path);
    hello.fixed.working_directory = hello.add(key().working_directory);
    hello.fixed.environment = hello.add(key().environment);
    return hello.take();
  }

  /// One connection, until the daemon ends it or `calls` were made.
  void play(Mutator& mutator, Aim aim, int calls) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    RawClient client{UniqueFd(ends[0])};
    auto channel = io::ClientChannel::create(host_, UniqueFd(ends[1]));
    ASSERT_TRUE(channel.has_value());
    Ending ending(*services);
    Session session(std::make_unique<CheckingChannel>(std::move(*channel), seen_), ending);
    session.start();
    client.make_segment(kRing);
    client.send(FrameKind::kRequest, Method::kHello, 1, hello_payload(), client.own->fd());
    settle_loop();
    ASSERT_TRUE(client.receive().has_value());
    client.attach(kRing);
    mutator.attack(client.own->memory().ring - ring::kControlBytes, aim);
    const std::string call =
        test_support::call_payload({.arguments = R"({"a":"0123456789abcdef"})"});
    for (int i = 1; i <= calls && !ending.has_ended(); ++i) {
      static_cast<void>(
          client.push(FrameKind::kRequest, Method::kCallTool, static_cast<std::uint64_t>(i), call));
      static_cast<void>(ring::ring_doorbell(client.socket.get()));
      settle_loop();
      while (client.receive()) {
      }
      const auto frame = client.consumer->peek();
      if (frame && *frame) client.consumer->release();
    }
    mutator.rest();
    client.socket.reset();
    settle_loop();
    ASSERT_TRUE(ending.has_ended());
  }

  io::ChannelHost host_;
  Seen seen_;
  std::uint64_t reports_ = 0;
  protocol::json::ValueReader reader_;
};

TEST_F(MutatingClientTest, NeverMakesTheDaemonBelieveWhatItDidNotCheck) {
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "it races on purpose";
#endif
  const std::uint64_t wanted = number_from_environment("MCPWIRE_MUTATIONS", 10'000'000);
  const std::uint64_t seed = number_from_environment("MCPWIRE_SEED", std::random_device{}());
  SCOPED_TRACE("MCPWIRE_SEED=" + std::to_string(seed));
  std::uint64_t connections = 0;
  std::uint64_t mutations = 0;
  {
    Mutator mutator(seed);
    while (mutator.mutations() < wanted || connections < 10 * kAims) {
      play(mutator, static_cast<Aim>(connections++ % kAims), 200);
      ASSERT_FALSE(HasFailure());
    }
    mutations = mutator.mutations();
  }
  std::printf("%llu mutations, %llu connections, %llu violations, %llu messages, %llu lines\n",
              static_cast<unsigned long long>(mutations),
              static_cast<unsigned long long>(connections),
              static_cast<unsigned long long>(host_.violations()),
              static_cast<unsigned long long>(seen_.delivered),
              static_cast<unsigned long long>(seen_.sent_to_server));
  EXPECT_GE(mutations, wanted);
  EXPECT_EQ(host_.violations(), reports_);
  EXPECT_GT(host_.violations(), 10U);
  EXPECT_GT(seen_.sent_to_server, 200U);
  EXPECT_EQ(host_.open_channels(), 0U);
}

}  // namespace
}  // namespace mcpwire::daemon
