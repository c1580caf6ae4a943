// SPDX-License-Identifier: MIT
#include "tests/io/programs/stdio_adversary.hpp"

#include <sched.h>

#include <cstddef>
#include <functional>
#include <string>

namespace mcpwire::adversary {
namespace {

/// The right answer, altered. Where nothing is asked, a notification takes its place.
Reply altered(const Moment& moment, const std::function<std::string(std::string)>& alter) {
  if (moment.id.empty())
    return write_and_send(alter(kNotification.substr(0, kNotification.size() - 1)));
  return write_and_omit(alter(answer(moment)));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

}  // namespace

void add_writings(Behaviours& all) {
  all["banner"] = [](const Moment&) {
    return write_and_send("Welcome!\n\nlistening on stdio...\n{not json\n");
  };
  all["no-newline"] = [](const Moment& m) {  // What comes next is lost with it.
    static_cast<void>(altered(m, [](const std::string& text) { return text; }));
    return Reply::kOmit;
  };
  all["crlf"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) { return text + "\r\n"; });
  };
  all["byte-order-mark"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) { return "\xEF\xBB\xBF" + text + "\n"; });
  };
  all["nul-byte"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) { return text + std::string("\0\n", 2); });
  };
  all["invalid-utf8"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) {
      return replaced(text, R"("jsonrpc")", "\"\xC0\xAF\xED\xA0\x80\":1,\"jsonrpc\"") + "\n";
    });
  };
  all["blank-lines"] = [](const Moment&) { return write_and_send("\n\r\n   \n\t\n"); };
  all["dribble"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) {
      for (const char c : text) write_all({&c, 1});
      return std::string("\n");
    });
  };
  all["split-at-every-byte"] = [](const Moment& m) {
    for (std::size_t at = 1; at < kNotification.size(); ++at) {
      write_all(std::string_view(kNotification).substr(0, at));
      ::sched_yield();
      write_all(std::string_view(kNotification).substr(at));
    }
    return m.id.empty() ? Reply::kSend : write_and_omit(answer(m) + "\n");
  };
  all["huge-line"] = [](const Moment& m) {
    const std::string block(65536, 'x');
    write_all("\"");
    for (long done = 0; done < m.number; done += 65536) write_all(block);
    return write_and_send("\"\n");
  };
  all["large-answer"] = [](const Moment& m) {
    return altered(m, [&](const std::string& text) {
      const std::string field =
          R"("_meta":{"filler":")" + std::string(static_cast<std::size_t>(m.number), 'y') + "\"},";
      const std::size_t at = text.find(m.id.empty() ? R"("level")" : R"("content")");
      return (at == std::string::npos ? text : text.substr(0, at) + field + text.substr(at)) + "\n";
    });
  };
  all["many-small-lines"] = [](const Moment& m) {
    std::string lines;
    for (long done = 0; done < m.number; ++done) {
      lines += kNotification;
      if (lines.size() < 60'000) continue;
      write_all(lines);
      lines.clear();
    }
    return write_and_send(lines);
  };
  all["junk-flood"] = [](const Moment& m) {
    for (long done = 0; done < m.number; ++done) write_all("garbage\n");
    return Reply::kSend;
  };
  all["deep-nesting"] = [](const Moment& m) {
    const auto depth = static_cast<std::size_t>(m.number);
    return altered(m, [&](const std::string& text) {
      return replaced(text, "{",
                      R"({"deep":)" + std::string(depth, '[') + std::string(depth, ']') + ",") +
             "\n";
    });
  };
  all["duplicate-keys"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) {
      return replaced(text, R"("jsonrpc":"2.0")", R"("jsonrpc":"2.0","jsonrpc":"2.0")") + "\n";
    });
  };
  all["wrong-case-keys"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) {
      return replaced(replaced(text, R"("result")", R"("Result")"), R"("method")", R"("Method")") +
             "\n";
    });
  };
  all["wrong-brackets"] = [](const Moment& m) {
    return altered(m, [](std::string text) {
      text.back() = ']';
      return text + "\n";
    });
  };
  all["two-messages-in-a-line"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) { return text + text + "\n"; });
  };
  all["batch"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) { return "[" + text + "]\n"; });
  };
  all["no-version"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) {
      return replaced(text, R"("jsonrpc":"2.0",)", "") + "\n";
    });
  };
  all["result-and-error"] = [](const Moment& m) {
    return altered(m, [](const std::string& text) {
      return replaced(text, R"("jsonrpc")", R"("error":{"code":1,"message":"e"},"jsonrpc")") + "\n";
    });
  };
}

}  // namespace mcpwire::adversary
