// SPDX-License-Identifier: MIT
#include "daemon/inherited_limits.hpp"

#include <sys/resource.h>

#include <array>

namespace mcpwire::daemon {
namespace {

/// A machine's usual hard limit; what a server needs is below 1,024.
constexpr rlim_t kOpenFilesWanted = 4096;
/// Below this a handful of clients and servers use the limit up.
constexpr rlim_t kOpenFilesMin = 256;

struct Inherited {
  __rlimit_resource resource;
  const char* name;
};
constexpr std::array<Inherited, 4> kShed = {Inherited{RLIMIT_CPU, "seconds of processor time"},
                                            Inherited{RLIMIT_AS, "bytes of address space"},
                                            Inherited{RLIMIT_DATA, "bytes of data"},
                                            Inherited{RLIMIT_FSIZE, "bytes in a file"}};

/// The limit in force.
rlim_t raise_to_hard(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return RLIM_INFINITY;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(resource, &limit);
  return ::getrlimit(resource, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

rlim_t raise_open_files() {
  const rlim_t open_files = raise_to_hard(RLIMIT_NOFILE);
  if (open_files >= kOpenFilesWanted) return open_files;
  const rlimit wanted{kOpenFilesWanted, kOpenFilesWanted};
  return ::setrlimit(RLIMIT_NOFILE, &wanted) == 0 ? kOpenFilesWanted : open_files;
}

void add(std::string& notes, const std::string& note) {
  notes += (notes.empty() ? "" : "; ") + note;
}

}  // namespace

std::string shed_inherited_limits() {
  std::string notes;
  if (const rlim_t files = raise_open_files(); files < kOpenFilesMin) {
    add(notes, "only " + std::to_string(files) + " open files");
  }
  for (const Inherited& inherited : kShed) {
    const rlim_t limit = raise_to_hard(inherited.resource);
    if (limit != RLIM_INFINITY) add(notes, "only " + std::to_string(limit) + ' ' + inherited.name);
  }
  if (const int nice = ::getpriority(PRIO_PROCESS, 0); nice > 0) {
    if (::setpriority(PRIO_PROCESS, 0, 0) != 0) add(notes, "nice " + std::to_string(nice));
  }
  if (notes.empty()) return notes;
  return notes +
         ": inherited from whoever started the daemon, and holds for everybody; stop it and "
         "start it elsewhere";
}

}  // namespace mcpwire::daemon
