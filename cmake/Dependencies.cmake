# Direct dependencies, all from Debian 12. Which and why: README.md. Their number is a test
# (scripts/check_dependencies.py): fewer than 20.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(simdjson REQUIRED)                                # 3.0.1
find_package(nlohmann_json REQUIRED)                           # 3.11.2
find_package(CLI11 REQUIRED)                                   # 2.1.2
find_package(Boost 1.74 REQUIRED)                              # Lockfree, header-only
find_package(CURL 7.88 REQUIRED)                               # 7.88.1, HTTP client; loaded at run time
find_package(spdlog REQUIRED)                                  # 1.10.0
find_package(GTest REQUIRED)                                   # 1.12.1
find_package(benchmark REQUIRED)                               # 1.7.1
pkg_check_modules(liburing REQUIRED IMPORTED_TARGET liburing)  # 2.3

option(MCPWIRE_MIMALLOC "Link mimalloc into mcpwired" OFF)
if(MCPWIRE_MIMALLOC)
  find_package(mimalloc REQUIRED)                              # 2.0.9
endif()

# Benchmark peers: linked by bench/peers/ and nothing else, off unless asked for (`make peers`).
# readerwriterqueue is one header without a file for CMake.
option(MCPWIRE_PEERS "Measure mcpwire's ring beside the transports of other projects" OFF)
if(MCPWIRE_PEERS)
  pkg_check_modules(libzmq REQUIRED IMPORTED_TARGET libzmq)    # 4.3.4
  find_package(nng REQUIRED CONFIG)                            # 1.5.2
  find_package(CapnProto REQUIRED CONFIG)                      # 0.9.2
  find_package(Protobuf REQUIRED)                              # 3.21
  find_package(gRPC REQUIRED CONFIG)                           # 1.51
endif()
