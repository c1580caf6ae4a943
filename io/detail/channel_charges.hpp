// SPDX-License-Identifier: MIT
//
// ChannelCharges: what a connection in use takes of its process's share (ring/charge.hpp). Its
// rings and slabs carry charges of their own. Threading: the loop's thread.
#pragma once

#include "protocol/base/error.hpp"
#include "ring/charge.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mcpwire::io::detail {

class ChannelCharges {
 public:
  explicit ChannelCharges(ring::QuotaAccount& account) noexcept;

  /// A request and its payload, until it is answered. Else what the process has too much of.
  [[nodiscard]] const char* try_begin(std::uint64_t correlation, std::size_t payload_bytes);
  void end(std::uint64_t correlation) noexcept;

  /// Memory files of the client that wait for their record. Else what the process has too much of,
  /// and the charge is as it was; less is never refused.
  [[nodiscard]] const char* try_hold_received(std::size_t files, std::uint64_t bytes) noexcept;
  /// Pieces of a message whose last one has not come yet.
  [[nodiscard]] bool try_hold_partial(std::size_t bytes) noexcept {
    return partial_.try_set(bytes);
  }

  /// A memory file that is to carry an answer; it may be refused, for there are other ways.
  [[nodiscard]] bool try_add_answer_file() noexcept {
    return answer_files_.try_set(answer_files_.amount() + 1);
  }
  void remove_answer_files(std::size_t count) noexcept {
    answer_files_.set(answer_files_.amount() - count);
  }
  /// Answers that the client has not taken. They cannot be refused any more.
  void hold_answers(std::size_t bytes) noexcept {
    if (bytes != answers_.amount()) answers_.set(bytes);
  }
  /// False while the process holds so many of them that no more work is to be taken from it.
  bool has_share_for_answers() const noexcept {
    return answers_.account().has_share_for(ring::Resource::kAnswerBytes, 1);
  }

 private:
  struct LargeRequest {
    std::uint64_t correlation;
    std::size_t bytes;
  };

  ring::Charge calls_;
  ring::Charge requests_;  ///< Payloads of large_.
  ring::Charge partial_;
  ring::Charge received_files_;
  ring::Charge received_bytes_;  ///< Of those files.
  ring::Charge answer_files_;
  ring::Charge answers_;
  std::vector<LargeRequest> large_;
};

}  // namespace mcpwire::io::detail
