// SPDX-License-Identifier: MIT
//
// Runs a program, and all that it starts, in poorer surroundings.
// Usage: confined [no-memfd] [no-future-write] [no-io-uring] [nofile=N] [memlock=N] [user=N]
//                 -- PROGRAM [ARG...]
//   no-memfd         memfd_create fails with EPERM
//   no-io-uring      io_uring_setup fails with EPERM, as in a container of Docker's
//   no-future-write  sealing with F_SEAL_FUTURE_WRITE fails with EINVAL, as before Linux 5.1
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

constexpr unsigned kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr unsigned kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr unsigned kIfBits = BPF_JMP | BPF_JSET | BPF_K;
constexpr unsigned kReturn = BPF_RET | BPF_K;
constexpr unsigned kNumber = offsetof(seccomp_data, nr);
constexpr unsigned kArgument = offsetof(seccomp_data, args);

template <std::size_t kCount>
bool install(std::array<sock_filter, kCount> filter) {
  const sock_fprog program{kCount, filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool refuse(unsigned number) {
  return install(std::array<sock_filter, 4>{{
      BPF_STMT(kLoad, kNumber),
      BPF_JUMP(kIfEqual, number, 0, 1),
      BPF_STMT(kReturn, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(kReturn, SECCOMP_RET_ALLOW),
  }});
}

bool refuse_future_write() {
  return install(std::array<sock_filter, 8>{{
      BPF_STMT(kLoad, kNumber),
      BPF_JUMP(kIfEqual, SYS_fcntl, 0, 5),
      BPF_STMT(kLoad, kArgument + 8),
      BPF_JUMP(kIfEqual, F_ADD_SEALS, 0, 3),
      BPF_STMT(kLoad, kArgument + 16),
      BPF_JUMP(kIfBits, F_SEAL_FUTURE_WRITE, 0, 1),
      BPF_STMT(kReturn, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(kReturn, SECCOMP_RET_ALLOW),
  }});
}

bool limit(decltype(RLIMIT_NOFILE) which, std::string_view number) {
  const rlim_t value = std::strtoull(number.data(), nullptr, 10);
  const rlimit both{value, value};
  return ::setrlimit(which, &both) == 0;
}

bool become(std::string_view number) {
  const auto user = static_cast<uid_t>(std::strtoul(number.data(), nullptr, 10));
  return ::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0;
}

bool confine(std::string_view how) {
  if (how == "no-memfd") return refuse(SYS_memfd_create);
  if (how == "no-io-uring") return refuse(SYS_io_uring_setup);
  if (how == "no-future-write") return refuse_future_write();
  const std::string_view value = how.substr(how.find('=') + 1);
  if (how.starts_with("nofile=")) return limit(RLIMIT_NOFILE, value);
  if (how.starts_with("memlock=")) return limit(RLIMIT_MEMLOCK, value);
  if (how.starts_with("user=")) return become(value);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) == "--") {
      ::execv(argv[i + 1], argv + i + 1);
      std::perror(argv[i + 1]);
      return 126;
    }
    if (!confine(argv[i])) {
      std::perror(argv[i]);
      return 125;
    }
  }
  return 125;
}
