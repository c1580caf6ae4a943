// SPDX-License-Identifier: MIT
#include "daemon/config/load.hpp"

#include "daemon/config/paths.hpp"
#include "daemon/config/safety.hpp"

#include <utility>

namespace mcpwire::config {
namespace {

/// A failure of the file system as one of the configuration, naming the path once.
Error as_configuration_error(const Error& error, const std::string& path) {
  if (error.code == ErrorCode::kTooLarge) {
    return Error::with_detail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
                              path + ": a configuration may have at most " +
                                  std::to_string(kConfigurationBytesMax) + " bytes");
  }
  const ErrorCode code =
      is_missing(error) ? ErrorCode::kConfigMissing : ErrorCode::kConfigUnreadable;
  Error named = Error::with_detail(ErrorKind::kConfiguration, code, path);
  if (error.os_errno != 0) {
    named.os_errno = error.os_errno;
  } else {
    named.detail = std::make_shared<const std::string>(path + ": " + error.message());
  }
  return named;
}

}  // namespace

Result<LoadedConfiguration> load_configuration(FileSystem& files, const std::string& path,
                                               std::uint32_t own_uid) {
  const std::string directory = directory_of(path);
  auto contents = files.read(path, kConfigurationBytesMax);
  if (!contents) return fail(as_configuration_error(std::move(contents).error(), path));
  auto directory_status = files.status(directory);
  if (!directory_status) {
    return fail(as_configuration_error(std::move(directory_status).error(), directory));
  }
  TRY(check_safe(contents->status, *directory_status, path, own_uid));
  return LoadedConfiguration{TRY(parse_configuration(contents->text, path)), directory,
                             contents->status.identity};
}

}  // namespace mcpwire::config
