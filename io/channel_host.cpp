// SPDX-License-Identifier: MIT
#include "io/channel_host.hpp"

#include "io/client_channel.hpp"
#include "protocol/request_header.hpp"
#include "ring/wake_price.hpp"

#include <utility>

namespace mcpwire::io {

ChannelHost::ChannelHost(Loop& loop, ChannelHostOptions options)
    : loop_(loop),
      options_(std::move(options)),
      processes_(loop, options_.quota),
      spin_budget_(options_.spinning_clients_max, options_.client_spin_ns),
      slabs_(loop, options_.slabs),
      active_memory_(sizeof(ClientChannel::Active)),
      scratch_(protocol::kSocketFrameBytesMax) {}

void ChannelHost::set_wake_price(std::uint64_t wake_ns) noexcept {
  const ring::SpinLimits limits = ring::spin_limits(wake_ns);
  options_.spin_ns = limits.server_ns;
  spin_budget_.set_spin_ns(limits.client_ns);
}

void ChannelHost::note_over_quota(detail::PeerProcess& process, const char* what) {
  if (process.is_first_refusal() && options_.on_over_quota) {
    options_.on_over_quota(process.pid(), what);
  }
}

}  // namespace mcpwire::io
