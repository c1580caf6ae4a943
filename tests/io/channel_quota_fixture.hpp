// SPDX-License-Identifier: MIT
//
// ChannelQuotaFixture: channels whose process has a share of little. All clients are this process.
#pragma once

#include "tests/io/client_channel_fixture.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {

using ring::Resource;

class ChannelQuotaFixture : public ClientChannelFixture {
 protected:
  void TearDown() override {
    connected_.clear();
    first_ = {};
    expect_nothing_is_held();
    ClientChannelFixture::TearDown();
  }

  void limit(Resource resource, std::uint64_t amount, ChannelHostOptions options = {}) {
    options.quota[ring::index_of(resource)] = amount;
    options.on_over_quota = [this](std::int32_t, const char* what) { told_.emplace_back(what); };
    make_host(std::move(options));
  }
  std::uint64_t held(Resource resource) const { return host_->quota().held(resource); }
  void expect_nothing_is_held() const {
    EXPECT_EQ(host_->quota().accounts(), 0U);
    for (std::size_t i = 0; i < ring::kResources; ++i) {
      EXPECT_EQ(host_->quota().held(static_cast<Resource>(i)), 0U) << i;
    }
  }
  /// What the daemon answered, by outcome.
  std::map<Outcome, int> answers(RawClient& client) {
    std::map<Outcome, int> seen;
    settle();
    while (auto frame = client.consumer ? client.pop() : client.receive()) {
      ++seen[protocol::outcome_of(frame->header.request.flags)];
    }
    return seen;
  }
  void announce_file(std::uint32_t slab) {
    const UniqueFd file(ring::create_sealed(as_bytes("file"), {}).value());
    first_.client->announce(slab, 4, file.get());
    settle();
  }
  void send_in_pieces(RawClient& client, std::size_t pieces) {
    const std::string piece(60'000, 'x');
    for (std::size_t i = 1; i <= pieces; ++i) {
      protocol::RequestHeader header =
          protocol::make_header(FrameKind::kRequest, Method::kCallTool);
      if (i != pieces) header.flags |= protocol::flag::kMore;
      static_cast<void>(
          ring::send_frame(client.socket.get(), {header, 5, as_bytes(piece), {}, -1}));
      settle();
    }
  }

  /// The next answer is to be this one.
  static void expect_overloaded(RawClient& client, std::uint64_t correlation,
                                ErrorKind kind = ErrorKind::kOverloaded) {
    const auto frame = client.consumer ? client.pop() : client.receive();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->header.correlation, correlation);
    EXPECT_EQ(protocol::outcome_of(frame->header.request.flags), Outcome::kRejected);
    const auto body = protocol::parse_error_body(as_bytes(frame->payload));
    ASSERT_TRUE(body.has_value());
    EXPECT_EQ(body->error.kind, kind);
    EXPECT_FALSE(body->may_have_been_sent);
  }
  /// How many requests reached the daemon since the last time.
  std::size_t requests_seen(Connected& connected) {
    settle();
    return std::exchange(connected.receiver->frames, {}).size();
  }
  /// One that the daemon answers with `bytes`.
  void ask_for(Connected& connected, std::uint64_t correlation, std::size_t bytes) {
    ASSERT_TRUE(connected.client->push(FrameKind::kRequest, Method::kCallTool, correlation, "x"));
    ASSERT_TRUE(ring::ring_doorbell(connected.client->socket.get()));
    ASSERT_EQ(requests_seen(connected), 1U);
    answer(*connected.channel, correlation, std::string(bytes, 'y'));
  }

  std::vector<Connected> connected_;
  std::vector<std::string> told_;
};

}  // namespace mcpwire::io
