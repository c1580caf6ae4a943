// SPDX-License-Identifier: MIT
//
// What the parts of stdio_adversary share: the moment at which it misbehaves, and what it writes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace mcpwire::adversary {

/// Whether the right answer still follows.
enum class Reply { kSend, kOmit };

/// Where the misbehaviour happens, and what would be the right thing to say there.
struct Moment {
  std::string phase;
  std::string id;      ///< Raw; empty where nothing is asked.
  std::string result;  ///< Of the answer.
  std::string token;   ///< Of the progress that is wanted; raw.
  long number = 0;     ///< How much.
};

using Behaviour = std::function<Reply(const Moment&)>;
using Behaviours = std::map<std::string_view, Behaviour>;

/// Bytes, lines, JSON.
void add_writings(Behaviours& all);
/// Whom it answers, and what it asks.
void add_exchanges(Behaviours& all);
/// What it does to its process.
void add_deeds(Behaviours& all);

/// All of it; a reader that has gone ends the process.
void write_all(std::string_view text);
/// The right answer to what is asked, without a newline.
std::string answer(const Moment& moment, const std::string& id);
inline std::string answer(const Moment& moment) { return answer(moment, moment.id); }

inline Reply write_and_omit(const std::string& text) {
  write_all(text);
  return Reply::kOmit;
}
inline Reply write_and_send(const std::string& text) {
  write_all(text);
  return Reply::kSend;
}

inline const std::string kNotification =
    R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})"
    "\n";
/// Says in the idle phase that it is done with what it does there.
inline const std::string kActed = R"({"jsonrpc":"2.0","method":"notifications/acted"})"
                                  "\n";

}  // namespace mcpwire::adversary
