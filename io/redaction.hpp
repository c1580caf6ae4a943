// SPDX-License-Identifier: MIT
//
// redact, shown_text: what a server wrote, or what an expansion of its configuration made, before
// it goes into an error or a log. Secrets are taken out of the whole text first; only then is it
// cut and cleaned, because a piece of a secret would not be found any more.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/spawn_request.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire::io {

inline constexpr std::size_t kShownBytesMax = 512;

/// `text` with every value of the server's environment and secrets (NAME=value) replaced by
/// "[NAME]", also in the forms that it has in JSON and in a URL. Values that are no secrets by
/// their nature (HOME, PATH and the like), shorter than 4 bytes, or one plain word (`production`)
/// under a name that does not say "secret" are left: they would blot out ordinary words.
std::string redact(std::string_view text, const SpawnRequest& server);

/// `text` as part of a message: redacted, without control characters (they would act on a person's
/// terminal), at most kShownBytesMax of it.
std::string shown_text(std::string_view text, const SpawnRequest& server);

}  // namespace mcpwire::io
