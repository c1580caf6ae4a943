// SPDX-License-Identifier: MIT
//
// DirectoryWatch: tells that names vanished from a directory or came to mean something else, or
// that it is gone itself. It says no more than that: the observer looks for itself.
//
// Threading: the loop's thread.
#pragma once

#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <memory>
#include <string>

namespace mcpwire::io {

class DirectoryWatch final : private FdWatcher::Observer {
 public:
  class Observer {
   public:
    virtual void on_directory_changed() = 0;

   protected:
    ~Observer() = default;
  };

  /// `observer` outlives the watch. kSystemCall where the kernel has no watch left for this user.
  static Result<std::unique_ptr<DirectoryWatch>> create(Loop& loop, const std::string& path,
                                                        Observer& observer);

 private:
  DirectoryWatch(Loop& loop, UniqueFd fd, Observer& observer);
  void on_ready(unsigned events) override;

  UniqueFd fd_;
  Observer& observer_;
  FdWatcher watcher_;
};

}  // namespace mcpwire::io
