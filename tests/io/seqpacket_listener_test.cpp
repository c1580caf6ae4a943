// SPDX-License-Identifier: MIT
#include "io/seqpacket_listener.hpp"

#include "ring/runtime_directory.hpp"
#include "tests/io/loop_fixture.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

UniqueFd connect_to(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return UniqueFd();
  }
  return socket;
}

class RecordingObserver final : public SeqpacketListener::Observer {
 public:
  void on_connection(UniqueFd socket) override {
    sockets.push_back(std::move(socket));
    if (callback) callback();
  }
  void on_listener_failed(const Error& why) override { failure = why; }
  void on_out_of_descriptors() override { ++shortages; }
  std::vector<UniqueFd> sockets;
  std::optional<Error> failure;
  int shortages = 0;
  std::function<void()> callback;
};

class SeqpacketListenerTest : public LoopFixture {
 protected:
  void SetUp() override {
    LoopFixture::SetUp();
    char folder[] = "/tmp/mcpwire-listener-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/socket";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  UniqueFd listening() {
    Result<UniqueFd> socket = create_listening_socket(path_);
    EXPECT_TRUE(socket.has_value());
    return std::move(socket).value();
  }

  std::string folder_;
  std::string path_;
  RecordingObserver observer_;
};
MCPWIRE_INSTANTIATE_ON_KERNELS(SeqpacketListenerTest);

TEST_P(SeqpacketListenerTest, HandsOverEveryConnection) {
  SeqpacketListener listener(*loop_, listening(), observer_);
  listener.start();
  std::vector<UniqueFd> clients;
  for (int count = 0; count < 20; ++count) clients.push_back(connect_to(path_));
  run_until([&] { return observer_.sockets.size() == 20; });
  put(clients[3], "hello");
  bool found = false;
  for (const UniqueFd& socket : observer_.sockets) {
    EXPECT_NE(fcntl(socket.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(socket.get(), F_GETFD) & FD_CLOEXEC, 0);
    found = found || take_available(socket) == "hello";
  }
  EXPECT_TRUE(found);
}

TEST_P(SeqpacketListenerTest, TheSocketBelongsToItsUserAlone) {
  const UniqueFd socket = listening();
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U) << "bind gives 0777 minus the umask";
}

TEST_P(SeqpacketListenerTest, AStaleSocketIsReplaced) {
  {
    const UniqueFd dead = listening();
  }
  EXPECT_FALSE(connect_to(path_)) << "nobody listens there";
  SeqpacketListener listener(*loop_, listening(), observer_);
  listener.start();
  const UniqueFd client = connect_to(path_);
  run_until([&] { return observer_.sockets.size() == 1; });
}

TEST_P(SeqpacketListenerTest, APathThatIsTooLongSaysByHowMuch) {
  const std::string longest =
      folder_ + "/" + std::string(ring::kSocketPathBytesMax - folder_.size() - 1, 'a');
  ASSERT_EQ(longest.size(), 107U);
  EXPECT_TRUE(create_listening_socket(longest).has_value());
  unlink(longest.c_str());
  const Result<UniqueFd> result = create_listening_socket(longest + "b");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kRuntimePathTooLong);
  EXPECT_NE(result.error().message().find("108"), std::string::npos);
  EXPECT_NE(result.error().message().find("107"), std::string::npos);
}

TEST_P(SeqpacketListenerTest, AMissingFolderIsAnErrorThatNamesThePath) {
  const Result<UniqueFd> result = create_listening_socket(folder_ + "/none/socket");
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message().find("none/socket"), std::string::npos);
}

TEST_P(SeqpacketListenerTest, MayBeClosedInItsCallback) {
  auto listener = std::make_unique<SeqpacketListener>(*loop_, listening(), observer_);
  observer_.callback = [&] { listener.reset(); };
  listener->start();
  const UniqueFd first = connect_to(path_);
  const UniqueFd second = connect_to(path_);
  run_until([&] { return listener == nullptr; });
  settle();
  EXPECT_EQ(observer_.sockets.size(), 1U);
  EXPECT_FALSE(connect_to(path_));
}

TEST_P(SeqpacketListenerTest, RunningOutOfDescriptorsDropsOneClientAndNotTheListener) {
  SeqpacketListener listener(*loop_, listening(), observer_);
  const UniqueFd dropped(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 128, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  listener.start();  // The kernel takes the limit from when an accept is prepared.
  std::vector<UniqueFd> fillers;
  for (;;) {
    UniqueFd filler(dup(0));
    if (!filler) break;
    fillers.push_back(std::move(filler));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  ASSERT_EQ(connect(dropped.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  run_until([&] { return listener.shed() == 1; });
  char byte = 0;
  EXPECT_EQ(recv(dropped.get(), &byte, 1, 0), 0) << "the client sees the end at once";
  EXPECT_TRUE(observer_.sockets.empty());
  EXPECT_FALSE(observer_.failure.has_value());
  EXPECT_EQ(observer_.shortages, 1);
  fillers.clear();
  setrlimit(RLIMIT_NOFILE, &before);
  const UniqueFd next = connect_to(path_);
  run_until([&] { return observer_.sockets.size() == 1; });
}

TEST_P(SeqpacketListenerTest, AnotherUsersProcessIsTurnedAway) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  SeqpacketListener listener(*loop_, listening(), observer_);
  listener.start();
  // As if the modes of folder and socket had failed to keep it out.
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(chmod(path_.c_str(), 0777), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (setuid(65534) != 0) _exit(1);
    const UniqueFd client = connect_to(path_);
    if (!client) _exit(2);
    char byte = 0;
    _exit(recv(client.get(), &byte, 1, 0) == 0 ? 0 : 3);
  }
  run_until([&] { return listener.refused() == 1; });
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(observer_.sockets.empty());
}

TEST_P(SeqpacketListenerTest, ADescriptorThatDoesNotListenFails) {
  SeqpacketListener listener(*loop_, UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)),
                             observer_);
  listener.start();
  run_until([&] { return observer_.failure.has_value(); });
  EXPECT_EQ(observer_.failure->os_errno, EINVAL);
}

}  // namespace
}  // namespace mcpwire::io
