// SPDX-License-Identifier: MIT
//
// Who takes part, and in what: the lanes of one round in the order in which they run. mcpwire's
// ring runs twice per question, first and last: what differs between the two is noise.
// Threading: values.
#pragma once

#include "bench/peers/lane.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::peers {

enum class Question { kRoundTrips, kRoundTripsWithGap, kStream };

/// What a row is there for. kControl: mcpwire's ring again. kLimit: no system, only the lines.
enum class Part { kMcpwire, kControl, kPeer, kLimit };

struct Entrant {
  std::string name;
  Waiting waiting = Waiting::kBlocking;
  Part part = Part::kPeer;
  Ends ends = Ends::kProcesses;
  std::vector<Question> questions;
  MakeContender make;
};

/// Sizes and times of a run.
struct Budget {
  std::uint64_t slot_ns = 100 * kNanosecondsPerMillisecond;
  std::size_t samples_max = kSamplesMax;
  std::uint64_t messages_max = 0;
  std::uint32_t warm_up_calls = 500;
};

struct Lane {
  Entrant entrant;
  Question question = Question::kRoundTrips;
  LaneOptions options;
};

/// Needs nothing but the system: the ring, blocks of memory, pipes, sockets, Boost.
std::vector<Entrant> own_entrants();
/// The systems of other people; empty unless the build has MCPWIRE_PEERS.
std::vector<Entrant> peer_entrants();

/// Every question in every size and placement, each with all of its entrants behind each other.
std::vector<Lane> make_plan(const std::vector<Entrant>& entrants, const Budget& budget);

std::string_view question_name(Question question) noexcept;
std::string_view waiting_name(Waiting waiting) noexcept;
std::string_view part_name(Part part) noexcept;
std::string_view placement_name(Placement placement) noexcept;

}  // namespace mcpwire::peers
