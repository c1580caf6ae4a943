// SPDX-License-Identifier: MIT
//
// DaemonFixture: a runtime directory of its own, and the fake daemon as the program that clients
// start there (tests/client/fake_daemon.cpp).
#pragma once

#include "client/connection.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/runtime_directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace mcpwire::client {

class DaemonFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<char, 32> name = {"/tmp/mcpwire-start-XXXXXX"};
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name.data();
    ::unsetenv("MCPWIRE_FAKE_DAEMON");
    ::setenv("SECRET", "1", 1);
    // Daemons live until this end of the fifo is closed, however the test ends.
    ASSERT_EQ(::mkfifo((path_ + "/life").c_str(), 0600), 0);
    allow_life();
    options_.runtime_directory = path_;
    options_.daemon_program = MCPWIRE_FAKE_DAEMON_PROGRAM;
  }
  void TearDown() override {
    life_.reset();
    wait_for_end();
    std::filesystem::remove_all(path_);
  }

  /// The daemon's lock is free once it has ended.
  void wait_for_end() const {
    const auto directory = ring::RuntimeDirectory::open(path_);
    while (!directory->try_lock_daemon()->has_value()) std::this_thread::yield();
  }

  std::string starts() const {
    std::ifstream file(path_ + "/starts");
    // Not by stream iterators: they throw when the process behind a file of /proc has just gone.
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  /// A daemon that is started after this lives until life_ is closed again.
  void allow_life() { life_.reset(::open((path_ + "/life").c_str(), O_RDWR | O_CLOEXEC)); }

  Error connect_error() const {
    auto connection = Connection::connect(options_);
    return connection ? Error::of(ErrorKind::kInternal, ErrorCode::kUnspecified)
                      : connection.error();
  }

  /// A socket file without anybody behind it, as a killed daemon leaves it.
  void leave_stale_socket() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = path_ + "/daemon.sock";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  std::string path_;
  UniqueFd life_;
  ConnectOptions options_;
};

}  // namespace mcpwire::client
