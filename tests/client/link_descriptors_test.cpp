// SPDX-License-Identifier: MIT
//
// Descriptors from a hostile daemon: each ends the handshake or the link with an error that says
// so, none stays open. And what a client does that has no descriptor left for an honest one.
#include "tests/client/raw_daemon.hpp"
#include "tests/ring/hostile_descriptors.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>

namespace mcpwire::client::detail {
namespace {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

constexpr std::uint32_t kRing = 4096;

class LinkDescriptorsTest : public ::testing::Test {
 protected:
  static ring::WantedFile wanted_segment() {
    const ring::SegmentConstants constants = ring::make_constants(kRing);
    return {ring::segment_bytes(kRing),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL,
            std::string(as_text(object_bytes(constants)))};
  }
  static ring::WantedFile wanted_payload() {
    return {16, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, "a mapped payload"};
  }

  void expect_refused(const char* name, const std::function<Error()>& attack) {
    SCOPED_TRACE(name);
    const std::size_t before = ring::count_descriptors();
    const Error error = attack();
    EXPECT_EQ(error.kind, ErrorKind::kInvalid) << error.message();
    EXPECT_EQ(error.code, ErrorCode::kProtocolViolation) << error.message();
    EXPECT_EQ(ring::count_descriptors(), before);
    ++refused_;
  }

  static Error handshake_with(const std::vector<int>& fds) {
    RawDaemon daemon(kRing);
    const std::string payload = daemon.reply().take();
    ring::send_raw(
        daemon.socket.get(),
        std::string(as_text(object_bytes(RawDaemon::reply_header(payload.size())))) + payload, fds);
    const auto link = daemon.open_link();
    return link ? Error{} : link.error();
  }

  static Error map_with(const std::vector<int>& fds, RecordingSink& sink) {
    RawDaemon daemon(kRing);
    daemon.say_reply();
    const auto link = daemon.open_link();
    EXPECT_TRUE(link.has_value());
    daemon.attach();
    daemon.announce(1, 16, fds);
    protocol::RequestHeader header =
        protocol::make_header(FrameKind::kResponse, Method::kCallTool, Outcome::kOk);
    header.flags |= protocol::flag::kMapped;
    const protocol::MappedDescriptor descriptor{1, 1, 0, 16};
    EXPECT_TRUE(daemon.push(header, 1, as_text(object_bytes(descriptor))));
    for (int i = 0; i < 10 && (*link)->pump(sink, 0) == Link::PumpEnd::kProgress; ++i) {
    }
    return (*link)->is_lost() ? (*link)->loss() : Error{};
  }
  Error map_with(const std::vector<int>& fds) {
    RecordingSink sink;
    const Error error = map_with(fds, sink);
    EXPECT_TRUE(sink.messages.empty());
    return error;
  }

  /// The daemon has given the rings back; its answer to the offer of new ones brings these.
  static Result<void> renew_with(const std::vector<int>& fds) {
    RawDaemon daemon(kRing);
    daemon.renews_rings = true;
    daemon.say_reply();
    const auto link = daemon.open_link();
    EXPECT_TRUE(link.has_value());
    daemon.own->memory().page->wait_word = ring::kRetiredWaitWord;
    const protocol::RingsOffer answer{sizeof answer, kRing};
    protocol::FrameHeader header{
        protocol::make_header(FrameKind::kResponse, Method::kRings, Outcome::kOk), 0, 1};
    header.request.payload_len = sizeof answer;
    ring::send_raw(
        daemon.socket.get(),
        std::string(as_text(object_bytes(header))) + std::string(as_text(object_bytes(answer))),
        fds);
    RecordingSink sink;
    auto sent =
        (*link)->send(sink, protocol::make_header(FrameKind::kRequest, Method::kPing), 1, {}, 0);
    EXPECT_EQ(sent.has_value(), !(*link)->is_lost());
    return sent;
  }
  static Error renewal_error(const std::vector<int>& fds) {
    const auto sent = renew_with(fds);
    return sent ? Error{} : sent.error();
  }

  int refused_ = 0;
};

/// Descriptors up to the lowest free number and `spare` more; back to before at the end.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t spare) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit few = before_;
    few.rlim_cur = 0;
    while (fcntl(static_cast<int>(few.rlim_cur), F_GETFD) >= 0) ++few.rlim_cur;
    few.rlim_cur += spare;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(LinkDescriptorsTest, CorrectFilesAreTakenAndClosed) {
  const std::size_t before = ring::count_descriptors();
  {
    const UniqueFd segment = ring::make_file(wanted_segment());
    EXPECT_EQ(handshake_with({segment.get()}).code, ErrorCode::kUnspecified);
    const UniqueFd payload = ring::make_file(wanted_payload());
    RecordingSink sink;
    EXPECT_EQ(map_with({payload.get()}, sink).code, ErrorCode::kUnspecified);
    EXPECT_TRUE(renew_with({segment.get()}));
    ASSERT_EQ(sink.messages.size(), 1U);
    EXPECT_EQ(sink.messages[0].payload, "a mapped payload");
  }
  EXPECT_EQ(ring::count_descriptors(), before);
}

TEST_F(LinkDescriptorsTest, EveryWrongOneIsRefusedInTheHandshake) {
  for (const auto& hostile : ring::hostile_descriptors()) {
    expect_refused(hostile.name, [&] {
      const UniqueFd fd = hostile.make(wanted_segment());
      return handshake_with({fd.get()});
    });
  }
  EXPECT_EQ(refused_, 22);
}

TEST_F(LinkDescriptorsTest, EveryWrongOneIsRefusedAsAPayload) {
  for (const auto& hostile : ring::hostile_descriptors()) {
    expect_refused(hostile.name, [&] {
      const UniqueFd fd = hostile.make(wanted_payload());
      return map_with({fd.get()});
    });
  }
  EXPECT_EQ(refused_, 22);
}

TEST_F(LinkDescriptorsTest, EveryWrongOneIsRefusedAsNewRings) {
  for (const auto& hostile : ring::hostile_descriptors()) {
    expect_refused(hostile.name, [&] {
      const UniqueFd fd = hostile.make(wanted_segment());
      return renewal_error({fd.get()});
    });
  }
  EXPECT_EQ(refused_, 22);
}

TEST_F(LinkDescriptorsTest, WrongNumbersOfThemAreRefused) {
  const UniqueFd segment = ring::make_file(wanted_segment());
  const UniqueFd payload = ring::make_file(wanted_payload());
  for (const std::size_t count : {0U, 2U, 3U, 4U, 5U, 253U}) {
    const std::string name = std::to_string(count) + " descriptors";
    expect_refused(name.c_str(),
                   [&] { return handshake_with(std::vector<int>(count, segment.get())); });
    expect_refused(name.c_str(), [&] { return map_with(std::vector<int>(count, payload.get())); });
    expect_refused(name.c_str(),
                   [&] { return renewal_error(std::vector<int>(count, segment.get())); });
  }
  EXPECT_EQ(refused_, 18);
}

TEST_F(LinkDescriptorsTest, APayloadForWhichThereIsNoDescriptorEndsTheLinkAndBlamesNobody) {
  const UniqueFd payload = ring::make_file(wanted_payload());
  RawDaemon daemon(kRing);
  daemon.say_reply();
  const auto link = daemon.open_link();
  ASSERT_TRUE(link.has_value());
  daemon.attach();
  daemon.announce(1, 16, {payload.get()});
  RecordingSink sink;
  std::optional<FewDescriptors> few(0);
  static_cast<void>((*link)->pump(sink, 0));
  (*link)->drain(sink);
  few.reset();
  ASSERT_TRUE((*link)->is_lost());
  EXPECT_EQ((*link)->loss().kind, ErrorKind::kOverloaded);
  EXPECT_EQ((*link)->loss().os_errno, EMFILE);
}

TEST_F(LinkDescriptorsTest, AClientWithoutADescriptorLeftSaysSoAndBlamesNobody) {
  // The socket's ends and HELLO's file are there; for what the others need there is no room.
  for (const rlim_t spare : {0U, 1U, 2U}) {
    SCOPED_TRACE(spare);
    RawDaemon daemon(kRing);
    daemon.say_reply();
    std::optional<FewDescriptors> few(spare);
    const auto link = daemon.open_link();
    few.reset();
    ASSERT_FALSE(link.has_value());
    EXPECT_EQ(link.error().kind, ErrorKind::kOverloaded);
    EXPECT_EQ(link.error().code, ErrorCode::kNoSharedMemory) << link.error().message();
    EXPECT_EQ(link.error().os_errno, EMFILE);
  }
}

}  // namespace
}  // namespace mcpwire::client::detail
