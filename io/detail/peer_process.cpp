// SPDX-License-Identifier: MIT
#include "io/detail/peer_process.hpp"

#include "protocol/base/check.hpp"
#include "ring/control_socket.hpp"

#include <poll.h>

#include <utility>

namespace mcpwire::io::detail {

PeerProcess::PeerProcess(PeerProcesses& known, Loop& loop, ring::Quota& quota, std::int32_t pid,
                         UniqueFd pidfd)
    : known_(known),
      account_(quota),
      pidfd_(std::move(pidfd)),
      end_watcher_(loop, pidfd_.get(), *this),
      pid_(pid) {
  end_watcher_.start(WatchMode::kOnce);
}

PeerProcess::Member::Member(std::shared_ptr<PeerProcess> process, ring::Charge place) noexcept
    : process_(std::move(process)) {
  MCPWIRE_CHECK(place.amount() == 1);
  place.leave();
}

PeerProcess::Member::~Member() {
  process_->account_.give_back(ring::Resource::kConnections, 1);
  process_->account_.give_back(ring::Resource::kBytes, hello_bytes_);
}

bool PeerProcess::Member::try_hold_hello(std::uint32_t bytes) noexcept {
  MCPWIRE_CHECK(hello_bytes_ == 0);
  if (!process_->account_.try_take(ring::Resource::kBytes, bytes)) return false;
  hello_bytes_ = bytes;
  return true;
}

PeerProcess::~PeerProcess() { known_.forget(*this); }

bool PeerProcess::has_ended() const noexcept {
  pollfd watched{pidfd_.get(), POLLIN, 0};
  return ::poll(&watched, 1, 0) != 0;
}

void PeerProcess::on_ready(unsigned /*events*/) {
  // The last member may let go of us.
  const std::shared_ptr<PeerProcess> self = shared_from_this();
  known_.forget(*this);
  while (Member* member = members_.pop_front()) member->on_process_ended();
}

Result<std::shared_ptr<PeerProcess>> PeerProcesses::find(int socket_fd) {
  const auto pid = static_cast<std::int32_t>(TRY(ring::peer_pid(socket_fd)));
  if (const auto found = known_.find(pid); found != known_.end()) {
    if (!found->second->has_ended()) return found->second->shared_from_this();
    known_.erase(found);  // The number may be another process's by now.
  }
  const auto ability = loop_.features().has(KernelFeature::kPeerPidfd)
                           ? ring::KernelAbility::kUseIfPresent
                           : ring::KernelAbility::kHidden;
  UniqueFd pidfd = TRY(ring::peer_pidfd(socket_fd, ability));
  auto process = std::make_shared<PeerProcess>(*this, loop_, quota_, pid, std::move(pidfd));
  known_[pid] = process.get();
  return process;
}

void PeerProcesses::forget(const PeerProcess& process) noexcept {
  const auto found = known_.find(process.pid());
  if (found != known_.end() && found->second == &process) known_.erase(found);
}

}  // namespace mcpwire::io::detail
