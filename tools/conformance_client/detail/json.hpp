// SPDX-License-Identifier: MIT
//
// Json: a document whose members keep their order, so that what is handed back is as it came.
// Threading: values.
#pragma once

#include <nlohmann/json.hpp>

namespace mcpwire::conformance {

using Json = nlohmann::ordered_json;

}  // namespace mcpwire::conformance
