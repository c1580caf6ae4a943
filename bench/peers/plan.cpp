// SPDX-License-Identifier: MIT
#include "bench/peers/plan.hpp"

#include "bench/peers/contenders/contenders.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mcpwire::peers {

namespace {

constexpr std::uint64_t kGapNs = 100 * kNanosecondsPerMicrosecond;

using Questions = std::vector<Question>;
const Questions kTwo = {Question::kRoundTrips, Question::kStream};
const Questions kAll = {Question::kRoundTrips, Question::kRoundTripsWithGap, Question::kStream};

struct Cell {
  Question question;
  Placement placement;
  std::uint32_t payload_bytes;
};

/// 64 KiB only where it says something: the copies, not the wake-ups, decide there.
constexpr std::array kCells = {
    Cell{Question::kRoundTrips, Placement::kPinned, 32},
    Cell{Question::kRoundTrips, Placement::kPinned, 64},
    Cell{Question::kRoundTrips, Placement::kPinned, 1024},
    Cell{Question::kRoundTrips, Placement::kPinned, 64 * 1024},
    Cell{Question::kRoundTrips, Placement::kUnpinned, 32},
    Cell{Question::kRoundTrips, Placement::kUnpinned, 64},
    Cell{Question::kRoundTrips, Placement::kUnpinned, 1024},
    Cell{Question::kRoundTripsWithGap, Placement::kPinned, 32},
    Cell{Question::kRoundTripsWithGap, Placement::kPinned, 1024},
    Cell{Question::kRoundTripsWithGap, Placement::kUnpinned, 32},
    Cell{Question::kRoundTripsWithGap, Placement::kUnpinned, 1024},
    Cell{Question::kStream, Placement::kPinned, 32},
    Cell{Question::kStream, Placement::kPinned, 64},
    Cell{Question::kStream, Placement::kPinned, 1024},
    Cell{Question::kStream, Placement::kPinned, 4096},
    Cell{Question::kStream, Placement::kPinned, 64 * 1024},
    Cell{Question::kStream, Placement::kUnpinned, 64},
    Cell{Question::kStream, Placement::kUnpinned, 1024},
};

LaneOptions options_for(const Cell& cell, const Entrant& entrant, const Budget& budget) {
  LaneOptions options;
  options.setup.payload_bytes = cell.payload_bytes;
  options.setup.waiting = entrant.waiting;
  options.setup.traffic =
      cell.question == Question::kStream ? Traffic::kStream : Traffic::kRoundTrips;
  options.ends = entrant.ends;
  options.placement = cell.placement;
  options.gap_ns = cell.question == Question::kRoundTripsWithGap ? kGapNs : 0;
  options.slot_ns = budget.slot_ns;
  options.samples_max = budget.samples_max;
  options.messages_max = budget.messages_max;
  options.warm_up_calls = budget.warm_up_calls;
  return options;
}

Entrant process_peer(const char* name, Waiting waiting, MakeContender make, Questions questions) {
  return {name, waiting, Part::kPeer, Ends::kProcesses, std::move(questions), std::move(make)};
}

}  // namespace

std::vector<Entrant> own_entrants() {
  const auto mcpwire = [](const char* name, Waiting waiting, Part part, MakeContender make,
                          Questions questions) {
    return Entrant{name, waiting, part, Ends::kProcesses, std::move(questions), std::move(make)};
  };
  return {
      mcpwire("mcpwire ring", Waiting::kSpinning, Part::kMcpwire, make_mcpwire_ring, kTwo),
      mcpwire("mcpwire ring", Waiting::kBlocking, Part::kMcpwire, make_mcpwire_ring, kAll),
      mcpwire("mcpwire ring", Waiting::kAdaptive, Part::kMcpwire, make_mcpwire_ring, kAll),
      mcpwire("mcpwire ring, 16 at once", Waiting::kSpinning, Part::kMcpwire, make_mcpwire_batches,
              {Question::kStream}),
      process_peer("Boost spsc_queue", Waiting::kSpinning, make_boost_spsc, kTwo),
      process_peer("Boost spsc_queue, semaphores", Waiting::kBlocking, make_boost_spsc, kAll),
      process_peer("pipe", Waiting::kSpinning, make_pipe, kTwo),
      process_peer("pipe", Waiting::kBlocking, make_pipe, kAll),
      process_peer("Unix socket, stream", Waiting::kSpinning, make_unix_stream, kTwo),
      process_peer("Unix socket, stream", Waiting::kBlocking, make_unix_stream, kAll),
      process_peer("Unix socket, seqpacket", Waiting::kSpinning, make_unix_seqpacket, kTwo),
      process_peer("Unix socket, seqpacket", Waiting::kBlocking, make_unix_seqpacket, kAll),
      process_peer("futex", Waiting::kBlocking, make_futex,
                   {Question::kRoundTrips, Question::kRoundTripsWithGap}),
      mcpwire("bare cache lines", Waiting::kSpinning, Part::kLimit, make_bare, kTwo),
      mcpwire("mcpwire ring again (A/A)", Waiting::kSpinning, Part::kControl, make_mcpwire_ring,
              kTwo),
      mcpwire("mcpwire ring again (A/A)", Waiting::kBlocking, Part::kControl, make_mcpwire_ring,
              kAll),
  };
}

std::vector<Entrant> peer_entrants() {
  std::vector<Entrant> entrants;
#ifdef MCPWIRE_PEERS
  for (const Waiting waiting : {Waiting::kSpinning, Waiting::kBlocking}) {
    const Questions& questions = waiting == Waiting::kSpinning ? kTwo : kAll;
    entrants.push_back({"readerwriterqueue, threads", waiting, Part::kPeer, Ends::kThreads,
                        questions, make_readerwriterqueue});
    entrants.push_back(process_peer("ZeroMQ ipc", waiting, make_zeromq, questions));
    entrants.push_back(process_peer("nng ipc", waiting, make_nng, questions));
  }
  entrants.push_back(process_peer("Cap'n Proto RPC", Waiting::kBlocking, make_capnproto, kAll));
  entrants.push_back(process_peer("gRPC", Waiting::kBlocking, make_grpc, kAll));
#endif
  return entrants;
}

std::vector<Lane> make_plan(const std::vector<Entrant>& entrants, const Budget& budget) {
  std::vector<Lane> plan;
  for (const Cell& cell : kCells) {
    for (const bool controls : {false, true}) {
      for (const Entrant& entrant : entrants) {
        if ((entrant.part == Part::kControl) != controls) continue;
        if (std::ranges::find(entrant.questions, cell.question) == entrant.questions.end())
          continue;
        plan.push_back({entrant, cell.question, options_for(cell, entrant, budget)});
      }
    }
  }
  return plan;
}

std::string_view question_name(Question question) noexcept {
  switch (question) {
    case Question::kRoundTrips:
      return "round trips";
    case Question::kRoundTripsWithGap:
      return "round trips with gap";
    case Question::kStream:
      break;
  }
  return "stream";
}

std::string_view waiting_name(Waiting waiting) noexcept {
  switch (waiting) {
    case Waiting::kSpinning:
      return "spins";
    case Waiting::kBlocking:
      return "sleeps";
    case Waiting::kAdaptive:
      break;
  }
  return "spins 50 us, then sleeps";
}

std::string_view part_name(Part part) noexcept {
  switch (part) {
    case Part::kMcpwire:
      return "mcpwire";
    case Part::kControl:
      return "control";
    case Part::kPeer:
      return "peer";
    case Part::kLimit:
      break;
  }
  return "limit";
}

std::string_view placement_name(Placement placement) noexcept {
  return placement == Placement::kPinned ? "pinned" : "unpinned";
}

}  // namespace mcpwire::peers
