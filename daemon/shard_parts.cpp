// SPDX-License-Identifier: MIT
#include "daemon/shard_parts.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

std::string cgroup_text(const Result<std::unique_ptr<io::CgroupTree>>& cgroups) {
  if (!cgroups.has_value()) {
    return "servers get no cgroup (limits.memoryBytes has no effect): " + cgroups.error().message();
  }
  std::string text = "each server gets a cgroup below " + (*cgroups)->path();
  if (!(*cgroups)->can_limit_memory()) text += "; limits.memoryBytes has no effect there";
  if (!(*cgroups)->can_limit_processes()) text += "; limits.processes is an rlimit";
  return text;
}

}  // namespace

Result<Shard::Parts> prepare_shard(const DaemonOptions& options, Log& log, std::size_t number) {
  Shard::Parts parts;
  parts.loop = TRY(
      io::Loop::create({.backend = options.backend, .hidden_features = options.hidden_features}));
  Result<std::unique_ptr<io::CgroupTree>> cgroups = io::CgroupTree::create(*parts.loop, number);
  if (number == 0) {
    if (!parts.loop->backend_warning().empty()) log.warn(parts.loop->backend_warning());
    log.info(cgroup_text(cgroups));
  }
  std::vector<std::string> arguments = {kGuardianArgument};
  if (cgroups.has_value()) arguments.push_back((*cgroups)->path());
  parts.cgroups = std::move(cgroups).value_or(nullptr);
  parts.guardian = TRY(io::Guardian::start(*parts.loop, {.arguments = std::move(arguments)}));
  return parts;
}

}  // namespace mcpwire::daemon
