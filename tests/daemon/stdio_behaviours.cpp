// SPDX-License-Identifier: MIT
#include "tests/daemon/stdio_behaviours.hpp"

#include <array>

namespace mcpwire::daemon {
namespace {

constexpr const char* kOk = "ok";

constexpr auto kTable = std::to_array<StdioBehaviour>({
    // Bytes and lines.
    {"banner", 0, kOk, kOk, kOk},
    {"no-newline", 0, "not_sent, timeout", "unknown, timeout", "unknown, timeout"},
    {"crlf", 0, kOk, kOk, kOk},
    {"byte-order-mark", 0, kOk, kOk, "ok"},
    {"nul-byte", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"invalid-utf8", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"blank-lines", 0, kOk, kOk, kOk},
    {"dribble", 0, kOk, kOk, kOk},
    {"split-at-every-byte", 0, kOk, kOk, kOk},
    {"huge-line", 2 << 20, "rejected, limits.lineBytes", "ends: limits.lineBytes",
     "unknown, limits.lineBytes"},
    {"large-answer", 900'000, kOk, kOk, kOk},
    {"many-small-lines", 20'000, kOk, kOk, kOk},
    {"junk-flood", 200, "rejected, limits.junkLines", "ends: limits.junkLines",
     "unknown, limits.junkLines"},
    // JSON.
    {"deep-nesting", 100'000, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"duplicate-keys", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"wrong-case-keys", 0, "not_sent, timeout", kOk, "unknown, timeout"},
    {"wrong-brackets", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"two-messages-in-a-line", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"batch", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"no-version", 0, "not_sent, timeout", kOk, "unknown, timeout"},
    {"result-and-error", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    // Ids and exchanges.
    {"id-float", 0, "not_sent, timeout", kOk, "unknown, timeout"},
    {"id-null", 0, "not_sent, timeout", kOk, "unknown, timeout"},
    {"id-huge", 0, "not_sent, timeout", kOk, "unknown, timeout"},
    {"id-string", 0, "rejected, unreadable", kOk, "unknown, unreadable"},
    {"unknown-id", 0, kOk, kOk, kOk},
    {"answer-twice", 0, kOk, "", kOk},
    {"late-answer", 0, "", kOk, kOk},
    {"answer-before-request", 0, kOk, kOk, kOk},
    {"error-answer", 0, "rejected, refused", "", "peer_error"},
    {"never-answers", 0, "not_sent, timeout", "", "unknown, timeout"},
    {"asks-ping", 0, kOk, kOk, kOk},
    {"asks-the-unknown", 0, kOk, kOk, kOk},
    {"asks-for-ever", 20'000, kOk, kOk, kOk},
    {"progress-flood", 20'000, kOk, kOk, kOk},
    // The process.
    {"stderr-flood", 4 << 20, kOk, kOk, kOk},
    {"stderr-only", 0, "not_sent, exited 2", "ends: exited 2", "unknown, exited 2"},
    {"closes-stdin", 0, "not_sent, closed", "not_sent, closed", kOk},
    {"closes-stdout", 0, "not_sent, closed", "ends: closed", "unknown, closed"},
    {"closes-stderr", 0, kOk, kOk, kOk},
    {"closes-in-out-err", 0, "not_sent, closed", "ends: closed", "unknown, closed"},
    {"closes-out-err-in", 0, "not_sent, closed", "ends: closed", "unknown, closed"},
    {"closes-err-in-out", 0, "not_sent, closed", "ends: closed", "unknown, closed"},
    {"exits-0", 0, "not_sent, exited 0", "ends: exited 0", "unknown, exited 0"},
    {"exits-1", 0, "not_sent, exited 1", "ends: exited 1", "unknown, exited 1"},
    {"dies-of-a-signal", 0, "not_sent, killed 6", "ends: killed 6", "unknown, killed 6"},
    {"exits-mid-line", 0, "not_sent, exited 3", "ends: exited 3", "unknown, exited 3"},
    {"answers-and-exits", 0, "", "", kOk},
    {"stops-itself", 0, "not_sent, timeout", "unknown, timeout", "unknown, timeout"},
    {"stops-reading", 0, "not_sent, timeout", "unknown, timeout", "unknown, timeout"},
    {"starts-slowly", 50, kOk, kOk, kOk},
    {"is-a-wrapper", 0, kOk, kOk, kOk},
    {"double-forks", 0, kOk, kOk, kOk},
    {"grandchild-holds-the-pipes", 0, "not_sent, exited 4", "ends: exited 4", "unknown, exited 4"},
    {"ignores-termination", 0, "not_sent, timeout", "unknown, timeout", "unknown, timeout"},
});

}  // namespace

std::span<const StdioBehaviour> stdio_behaviours() noexcept { return kTable; }

}  // namespace mcpwire::daemon
