// SPDX-License-Identifier: MIT
#include "io/client_channel.hpp"

#include "tests/io/client_channel_fixture.hpp"

#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>
#include <map>

namespace mcpwire::io {
namespace {

using protocol::CallState;

class ClientChannelTest : public ClientChannelFixture {
 protected:
  void open(std::uint32_t ring_bytes) { first_ = make_open(ring_bytes); }
  RawClient& client() { return *first_.client; }
  ClientChannel& channel() { return *first_.channel; }
  std::vector<SeenFrame>& frames() { return first_.receiver->frames; }

  /// Turns that may block for a moment, so that the channel is parked as in an idle daemon.
  void idle() {
    for (int turn = 0; turn < 12; ++turn) loop_->run_once(kNanosecondsPerMicrosecond);
  }
  /// Reads as a client of ours does, until `count` messages are there or nothing moves any more.
  std::vector<SeenFrame> read_messages(std::size_t count) {
    std::vector<SeenFrame> seen;
    std::map<std::uint32_t, std::string> files;
    for (int stuck = 0; seen.size() < count && stuck < 100; ++stuck) {
      while (auto frame = client().receive()) {
        stuck = 0;
        const auto method = static_cast<Method>(frame->header.request.method);
        if (method == Method::kMemory) {
          const auto event = load_object<protocol::MemoryEvent>(as_bytes(frame->payload));
          const auto file = ring::SealedMapping::map(std::move(client().attached), event.bytes);
          files[event.slab] = file ? std::string(as_text(file->bytes())) : "";
        } else if (method != Method::kDoorbell) {
          take_message(seen, *std::move(frame));
        }
      }
      if (client().consumer) {
        // A file is sent ahead of its record, so what is named here has been read above.
        auto frame = client().pop();
        if (frame) stuck = 0;
        if (frame && (frame->header.request.flags & protocol::flag::kMapped) != 0) {
          const auto descriptor = load_object<protocol::MappedDescriptor>(as_bytes(frame->payload));
          frame->payload = files[descriptor.slab];
          frame->came_in_file = true;
        }
        if (frame) take_message(seen, *std::move(frame));
        if (client().consumer->peer_waits_for_space()) {
          EXPECT_TRUE(ring::ring_doorbell(client().socket.get()));
        }
      }
      loop_->run_once(kNanosecondsPerMicrosecond);
    }
    return seen;
  }
  /// Puts pieces together.
  static void take_message(std::vector<SeenFrame>& seen, SeenFrame frame) {
    const bool is_next_piece =
        !seen.empty() && (seen.back().header.request.flags & protocol::flag::kMore) != 0;
    if (!is_next_piece) return seen.push_back(std::move(frame));
    seen.back().payload += frame.payload;
    seen.back().header = frame.header;
  }
  void answer_every_request(std::string body) {
    first_.receiver->react = [this, body](const SeenFrame& frame) {
      answer(channel(), frame.header.correlation, body);
    };
  }
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ClientChannelTest);

TEST_P(ClientChannelTest, CarriesRequestsAndAnswersThroughTheRings) {
  open(RawClient::kRingBytes);
  answer_every_request("fine");
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kCallTool, 7, "please"));
  settle();
  ASSERT_EQ(frames().size(), 1U);
  EXPECT_EQ(frames()[0].payload, "please");
  const auto reply = client().pop();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->payload, "fine");
  EXPECT_EQ(reply->header.correlation, 7U);
  EXPECT_EQ(protocol::outcome_of(reply->header.request.flags), Outcome::kOk);
  EXPECT_FALSE(client().receive().has_value());
}

TEST_P(ClientChannelTest, CarriesRequestsAndAnswersThroughTheSocket) {
  open(0);
  answer_every_request("fine");
  client().send(FrameKind::kRequest, Method::kCallTool, 7, "please");
  settle();
  const auto reply = client().receive();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->payload, "fine");
}

TEST_P(ClientChannelTest, AnIdleClientHasToRing) {
  open(RawClient::kRingBytes);
  idle();
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, 7, ""));
  EXPECT_TRUE(client().producer->peer_needs_doorbell());
  settle();
  EXPECT_TRUE(frames().empty()) << "an idle channel is polled";
  ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
  settle();
  EXPECT_EQ(frames().size(), 1U);
  // Awake now: the next one needs no bell.
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, 8, ""));
  EXPECT_FALSE(client().producer->peer_needs_doorbell());
  settle();
  EXPECT_EQ(frames().size(), 2U);
}

TEST_P(ClientChannelTest, RingsAClientThatSleeps) {
  open(RawClient::kRingBytes);
  ASSERT_FALSE(client().consumer->prepare_park());
  answer(channel(), 1, "wake up");
  const auto bell = client().receive();
  ASSERT_TRUE(bell.has_value());
  EXPECT_EQ(bell->header.request.method, static_cast<std::uint32_t>(Method::kDoorbell));
  EXPECT_EQ(client().pop()->payload, "wake up");
}

TEST_P(ClientChannelTest, OneClientDoesNotHoldTheLoopWhileOthersWait) {
  open(64 * 1024);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, i, ""));
  }
  std::size_t most_per_turn = 0;
  while (frames().size() < 100) {
    const std::size_t before = frames().size();
    loop_->run_once(0);
    most_per_turn = std::max(most_per_turn, frames().size() - before);
  }
  EXPECT_LE(most_per_turn, 32U);
}

TEST_P(ClientChannelTest, KeepsAnswersInOrderWhileTheRingIsFull) {
  open(RawClient::kRingBytes);
  for (int i = 0; i < 500; ++i) answer(channel(), 1, std::to_string(i));
  int expected = 0;
  for (int stuck = 0; expected < 500 && stuck < 100; ++stuck) {
    while (const auto frame = client().pop()) {
      ASSERT_EQ(frame->payload, std::to_string(expected));
      ++expected;
      stuck = 0;
    }
    if (client().consumer->peer_waits_for_space()) {
      ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
    }
    loop_->run_once(kNanosecondsPerMicrosecond);
  }
  EXPECT_EQ(expected, 500);
}

TEST_P(ClientChannelTest, EventsThatNobodyReadsLeaveRoomForTheAnswer) {
  for (const std::uint32_t ring_bytes : {RawClient::kRingBytes, 0U}) {
    make_host({.pending_bytes_max = 10'000});
    open(ring_bytes);
    const auto header = protocol::make_header(FrameKind::kEvent, Method::kProgress);
    Result<void> sent;
    std::uint64_t events = 0;
    while (sent && events < 10'000) {
      sent = channel().send(header, 7, as_bytes(std::string(900, 'e')), {});
      if (sent) ++events;
    }
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().code, ErrorCode::kQueueFull);
    answer(channel(), 7, std::string(30'000, 'a'));
    const std::vector<SeenFrame> seen = read_messages(events + 1);
    ASSERT_EQ(seen.size(), events + 1);
    EXPECT_TRUE(seen.back().payload == std::string(30'000, 'a'));
    EXPECT_FALSE(first_.receiver->closed.has_value());
    expect_others_are_served();
  }
}

TEST_P(ClientChannelTest, AnswersThatNobodyReadsAllArriveInTheEnd) {
  constexpr std::uint64_t kAnswers = 200;
  for (const std::uint32_t ring_bytes : {64U * 1024, 0U}) {
    make_host({.pending_bytes_max = 100'000});
    open(ring_bytes);
    for (std::uint64_t i = 1; i <= kAnswers; ++i) {
      answer(channel(), i, std::to_string(i) + std::string(10'000, 'x'));
    }
    settle();
    EXPECT_FALSE(first_.receiver->closed.has_value());
    const std::vector<SeenFrame> seen = read_messages(kAnswers);
    ASSERT_EQ(seen.size(), kAnswers);
    for (std::uint64_t i = 1; i <= kAnswers; ++i) {
      ASSERT_TRUE(seen[i - 1].payload == std::to_string(i) + std::string(10'000, 'x')) << i;
    }
  }
}

TEST_P(ClientChannelTest, BeyondTheLimitAnswersWaitInFilesAndNotInTheDaemon) {
  make_host({.pending_bytes_max = 20'000});
  open(64 * 1024);
  for (std::uint64_t i = 1; i <= 30; ++i) answer(channel(), i, std::string(10'000, 'x'));
  std::size_t mapped = 0;
  for (const SeenFrame& frame : read_messages(30)) {
    if (frame.came_in_file) ++mapped;
  }
  EXPECT_GE(mapped, 20U);
}

TEST_P(ClientChannelTest, DoneIsPublishedNoSoonerThanTheAnswer) {
  open(RawClient::kRingBytes);
  ring::ClientCallWords words(client().own->memory(), client().peer->memory());
  const auto finish = [&](std::uint64_t call) {
    channel().publish_call_state(call, CallState::kSent);
    answer(channel(), call, std::string(900, 'x'));
    channel().publish_call_state(call, CallState::kDone);
  };
  finish(1);
  EXPECT_EQ(words.state(1), CallState::kDone);
  std::uint64_t last = 1;
  while (!channel().has_unsent()) finish(++last);
  EXPECT_EQ(words.state(last), CallState::kSent) << "its answer is in no ring yet";
  finish(last + 1);
  EXPECT_EQ(read_messages(last + 1).size(), last + 1);
  EXPECT_EQ(words.state(last), CallState::kDone);
  EXPECT_EQ(words.state(last + 1), CallState::kDone);
}

TEST_P(ClientChannelTest, TellsWhenTheLastOfWhatWasKeptIsOut) {
  for (const std::uint32_t ring_bytes : {RawClient::kRingBytes, 0U}) {
    open(ring_bytes);
    std::uint64_t sent = 0;
    while (!channel().has_unsent()) answer(channel(), ++sent, std::string(900, 'x'));
    EXPECT_EQ(first_.receiver->all_sent, 0);
    read_messages(sent);
    settle();
    EXPECT_EQ(first_.receiver->all_sent, 1);
    EXPECT_FALSE(channel().has_unsent());
  }
}

TEST_P(ClientChannelTest, AClientThatAsksWithoutReadingIsHeldBackAndNotClosed) {
  make_host({.pending_bytes_max = 10'000});
  open(RawClient::kRingBytes);
  answer_every_request(std::string(900, 'x'));
  std::uint64_t asked = 0;
  for (int turn = 0; turn < 500; ++turn) {
    if (client().push(FrameKind::kRequest, Method::kPing, asked + 1, "")) ++asked;
    loop_->run_once(0);
  }
  EXPECT_LT(frames().size(), asked);
  std::uint64_t answered = 0;
  for (int stuck = 0; answered < asked && stuck < 100; ++stuck) {
    while (client().pop()) {
      ++answered;
      stuck = 0;
    }
    if (client().consumer->peer_waits_for_space()) {
      ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
    }
    loop_->run_once(kNanosecondsPerMicrosecond);
  }
  EXPECT_EQ(answered, asked);
  EXPECT_FALSE(first_.receiver->closed.has_value());
}

TEST_P(ClientChannelTest, LargeRequestsComeInSealedMemoryFiles) {
  open(RawClient::kRingBytes);
  const std::string body(1'000'000, 'm');
  const UniqueFd file = std::move(ring::create_sealed(as_bytes(body), {})).value();
  client().announce(3, body.size(), file.get());
  ASSERT_TRUE(client().push_mapped(3, 10, body.size() - 10));
  settle();
  ASSERT_EQ(frames().size(), 1U);
  EXPECT_TRUE(frames()[0].payload == body.substr(10));
  EXPECT_EQ(frames()[0].header.request.flags & protocol::flag::kMapped, 0U);
  EXPECT_EQ(frames()[0].header.request.payload_len, body.size() - 10);
}

TEST_P(ClientChannelTest, ManyMemoryFilesAheadOfTheirRecordsAreTakenInTime) {
  open(RawClient::kRingBytes);
  const UniqueFd file = std::move(ring::create_sealed(as_bytes("abc"), {})).value();
  for (std::uint32_t slab = 1; slab <= 40; ++slab) client().announce(slab, 3, file.get());
  settle();
  for (std::uint32_t slab = 1; slab <= 40; ++slab) {
    ASSERT_TRUE(client().push_mapped(slab, 0, 3, slab));
    settle();
  }
  EXPECT_EQ(frames().size(), 40U);
  EXPECT_FALSE(first_.receiver->closed.has_value());
}

TEST_P(ClientChannelTest, LargeAnswersLeaveAsSealedMemoryFiles) {
  open(RawClient::kRingBytes);
  const std::string body(1'000'000, 'm');
  answer(channel(), 7, body);
  const auto event_frame = client().receive();
  ASSERT_TRUE(event_frame.has_value());
  const auto event = load_object<protocol::MemoryEvent>(as_bytes(event_frame->payload));
  EXPECT_EQ(event.bytes, body.size());
  auto mapping = ring::SealedMapping::map(std::move(client().attached), event.bytes);
  ASSERT_TRUE(mapping.has_value());
  EXPECT_TRUE(as_text(mapping->bytes()) == body);
  const auto record = client().pop();
  ASSERT_TRUE(record.has_value());
  EXPECT_NE(record->header.request.flags & protocol::flag::kMapped, 0U);
  const auto descriptor = load_object<protocol::MappedDescriptor>(as_bytes(record->payload));
  EXPECT_EQ(descriptor.slab, event.slab);
  EXPECT_EQ(descriptor.length, body.size());
}

TEST_P(ClientChannelTest, OnTheSocketLargePayloadsTravelInPieces) {
  open(0);
  protocol::RequestHeader header = protocol::make_header(FrameKind::kRequest, Method::kCallTool);
  header.flags |= protocol::flag::kMore;
  client().send(header, 7, std::string(60'000, 'a'));
  client().send(FrameKind::kRequest, Method::kCallTool, 7, std::string(60'000, 'b'));
  settle();
  ASSERT_EQ(frames().size(), 1U);
  EXPECT_TRUE(frames()[0].payload == std::string(60'000, 'a') + std::string(60'000, 'b'));

  const std::string body(3'000'000, 'm');
  answer(channel(), 7, body);
  std::string received;
  for (bool more = true; more;) {
    const auto piece = client().receive();
    if (!piece) {
      loop_->run_once(0);
      continue;
    }
    received += piece->payload;
    more = (piece->header.request.flags & protocol::flag::kMore) != 0;
  }
  EXPECT_TRUE(received == body);
}

TEST_P(ClientChannelTest, ARevokedCallIsNotBegun) {
  open(RawClient::kRingBytes);
  ring::ClientCallWords words(client().own->memory(), client().peer->memory());
  EXPECT_TRUE(channel().begin_sending(7));
  EXPECT_EQ(words.state(7), CallState::kSending);
  channel().publish_call_state(8, CallState::kClaimed);
  EXPECT_EQ(words.revoke(8), CallState::kClaimed);
  EXPECT_FALSE(channel().begin_sending(8));
  EXPECT_EQ(words.state(8), CallState::kClaimed);
}

TEST_P(ClientChannelTest, OnTheSocketTheIntentIsThereBeforeBeginSendingReturns) {
  open(0);
  ASSERT_TRUE(channel().begin_sending(7));
  const auto frame = client().receive();
  ASSERT_TRUE(frame.has_value());
  const auto intent = load_object<protocol::IntentEvent>(as_bytes(frame->payload));
  EXPECT_EQ(intent.correlation, 7U);
  EXPECT_EQ(intent.call_state, static_cast<std::uint32_t>(CallState::kSending));
}

TEST_P(ClientChannelTest, OnTheSocketNothingIsBegunThatCannotBeTold) {
  open(0);
  ASSERT_EQ(::shutdown(client().socket.get(), SHUT_RD), 0);
  EXPECT_FALSE(channel().begin_sending(7));
  open(0);
  int begun = 0;
  while (begun < 100'000 && channel().begin_sending(7)) ++begun;
  EXPECT_LT(begun, 100'000) << "a full socket counts as told";
}

TEST_P(ClientChannelTest, TellsWhenTheClientCloses) {
  for (const std::uint32_t ring_bytes : {RawClient::kRingBytes, 0U}) {
    open(ring_bytes);
    client().socket.reset();
    settle();
    ASSERT_TRUE(first_.receiver->closed.has_value());
    EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kDisconnected);
    EXPECT_EQ(channel()
                  .send(protocol::make_header(FrameKind::kResponse, Method::kPing), 1, {}, {})
                  .error()
                  .code,
              ErrorCode::kClosed);
    EXPECT_FALSE(channel().begin_sending(1));
    EXPECT_EQ(host_->violations(), 0U);
    EXPECT_EQ(host_->open_channels(), 0U);
  }
}

TEST_P(ClientChannelTest, HearsNothingMoreAfterItsOwnClose) {
  open(RawClient::kRingBytes);
  first_.receiver->react = [this](const SeenFrame&) { channel().close(); };
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, 1, ""));
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, 2, ""));
  settle();
  EXPECT_EQ(frames().size(), 1U);
  EXPECT_FALSE(first_.receiver->closed.has_value());
  EXPECT_FALSE(client().receive().has_value());
  EXPECT_TRUE(client().is_closed);
}

TEST_P(ClientChannelTest, MayBeDestroyedWhenItTellsItsEnd) {
  class Destroyer final : public FrameChannel::Receiver {
   public:
    void on_frame(const protocol::FrameHeader&, ByteSpan) override {}
    void on_channel_closed(const Error&) override { channel.reset(); }
    std::unique_ptr<ClientChannel> channel;
  };
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd client_end(ends[0]);
  Destroyer destroyer;
  destroyer.channel = std::move(*ClientChannel::create(*host_, UniqueFd(ends[1])));
  destroyer.channel->start(destroyer);
  client_end.reset();
  run_until([&] { return destroyer.channel == nullptr; });
}

TEST(ChannelSpinTest, LooksOutAgainOnlyAfterItPaid) {
  detail::ChannelSpin spin;
  EXPECT_EQ(spin.look_out_until(1000, 50), 1050U);
  EXPECT_EQ(spin.look_out_until(1040, 50), 1090U) << "the last one came in time";
  EXPECT_EQ(spin.look_out_until(2000, 50), 0U) << "the last one was in vain";
  EXPECT_EQ(spin.look_out_until(2010, 50), 2060U);
  EXPECT_EQ(spin.look_out_until(3000, 50), 0U);
  EXPECT_EQ(spin.look_out_until(3001, 50), 0U);
  EXPECT_EQ(spin.look_out_until(3002, 50), 0U);
  EXPECT_EQ(spin.look_out_until(3003, 50), 3053U);
}

/// A process that connects to `path` and then only waits to be killed.
pid_t fork_client(int socket_fd, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (::connect(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::_exit(1);
  }
  for (;;) ::pause();
}

TEST_P(ClientChannelTest, NoticesAKilledClientWhoseSocketAnotherProcessStillHolds) {
  std::array<char, 32> directory = {"/tmp/mcpwire-channel-XXXXXX"};
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = std::string(directory.data()) + "/s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const UniqueFd held(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));  // So no end of file.
  const pid_t child = fork_client(held.get(), path);
  ASSERT_GT(child, 0);
  UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ::unlink(path.c_str());
  ::rmdir(directory.data());
  RecordingReceiver receiver;
  const auto channel = std::move(*ClientChannel::create(*host_, std::move(accepted)));
  EXPECT_EQ(channel->peer_process_id(), child);
  channel->start(receiver);
  settle();
  EXPECT_FALSE(receiver.closed.has_value());
  ::kill(child, SIGKILL);
  run_until([&] { return receiver.closed.has_value(); });
  EXPECT_EQ(receiver.closed->kind, ErrorKind::kDisconnected);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace mcpwire::io
