// SPDX-License-Identifier: MIT
//
// All contenders. Each is made before the fork; null if the machine refuses what it needs.
#pragma once

#include "bench/peers/contender.hpp"

#include <memory>

namespace mcpwire::peers {

/// ring/ and protocol/ as a program would use them: Producer, Consumer, Waiter.
std::unique_ptr<Contender> make_mcpwire_ring(const LaneSetup& setup);
/// The same; streams publish 16 messages at once.
std::unique_ptr<Contender> make_mcpwire_batches(const LaneSetup& setup);

/// The limit of the machine: blocks in shared memory, each with its number and its payload.
std::unique_ptr<Contender> make_bare(const LaneSetup& setup);
/// The same block with FUTEX_WAIT and FUTEX_WAKE; round trips only.
std::unique_ptr<Contender> make_futex(const LaneSetup& setup);
std::unique_ptr<Contender> make_pipe(const LaneSetup& setup);
std::unique_ptr<Contender> make_unix_stream(const LaneSetup& setup);
std::unique_ptr<Contender> make_unix_seqpacket(const LaneSetup& setup);
std::unique_ptr<Contender> make_boost_spsc(const LaneSetup& setup);

#ifdef MCPWIRE_PEERS
std::unique_ptr<Contender> make_readerwriterqueue(const LaneSetup& setup);
std::unique_ptr<Contender> make_zeromq(const LaneSetup& setup);
std::unique_ptr<Contender> make_nng(const LaneSetup& setup);
std::unique_ptr<Contender> make_capnproto(const LaneSetup& setup);
std::unique_ptr<Contender> make_grpc(const LaneSetup& setup);
#endif

}  // namespace mcpwire::peers
