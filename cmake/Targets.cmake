# mcpwire_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...]): one layer as a static library
#   mcpwire_NAME with the alias mcpwire::NAME.
# mcpwire_program(NAME [STATIC_PIE] SOURCES ... PRIVATE ...): a program in bin/. STATIC_PIE is for
#   what a person starts from a shell: without shared libraries it starts in half the time.
# mcpwire_test(NAME LABEL label [TIMEOUT seconds] [TEST_LIST variable] [THREADS] [BOTH_BACKENDS]
#   [SHARDS] SOURCES ... PRIVATE ...): a GoogleTest program; every case of it becomes a CTest test
#   with that label; with BOTH_BACKENDS a second one, whose name ends in .epoll, with
#   MCPWIRE_IO_BACKEND=epoll; with SHARDS one whose name ends in .shards, with MCPWIRE_SHARDS=2.
#   THREADS: it runs several, so ThreadSanitizer is to see it (label stress, process or programs: it does).
# mcpwire_bench(NAME SOURCES ... PRIVATE ...): a Google Benchmark program in bench/, with a smoke
#   run of tiny parameters in CTest.

set(MCPWIRE_TEST_LABELS unit conformance stress explorer process programs interop fuzz style)
# `mcpwire_tests_process` and so on build the tests of one label.
foreach(label ${MCPWIRE_TEST_LABELS})
  add_custom_target(mcpwire_tests_${label})
endforeach()
add_custom_target(mcpwire_tests_threads)

add_library(mcpwire_warnings INTERFACE)
target_compile_options(mcpwire_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -Wimplicit-fallthrough
  # Not in a project of somebody else's, whose compiler may know warnings that ours does not.
  $<$<BOOL:${PROJECT_IS_TOP_LEVEL}>:-Werror>
  # Designated initialisers that leave the rest zero are how SQEs and requests are written.
  -Wno-missing-designated-field-initializers -Wno-missing-field-initializers
  # TRY() is a statement expression on purpose (protocol/base/result.hpp).
  -Wno-gnu-statement-expression)

# Headers that are parsed once for all: the standard library's take almost half of the time that a
# source of ours takes to compile, GoogleTest's more. Every source still includes what it uses: the
# preset `tidy` compiles without.
function(mcpwire_share_headers name kind)
  if(NOT PROJECT_IS_TOP_LEVEL)
    return()
  endif()
  set(shared mcpwire_${kind}_headers)
  if(NOT TARGET ${shared})
    set(empty ${CMAKE_BINARY_DIR}/${shared}.cpp)
    file(CONFIGURE OUTPUT ${empty} CONTENT "")
    add_library(${shared} OBJECT ${empty})
    target_link_libraries(${shared} PRIVATE mcpwire_warnings)
    set(headers <algorithm> <array> <atomic> <chrono> <coroutine> <cstdint> <cstring> <deque>
        <functional> <map> <memory> <optional> <span> <string> <string_view> <unordered_map>
        <utility> <variant> <vector>)
    if(kind STREQUAL "test")
      target_link_libraries(${shared} PRIVATE GTest::gmock)
      list(APPEND headers <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    target_precompile_headers(${shared} PRIVATE ${headers})
  endif()
  target_precompile_headers(${name} REUSE_FROM ${shared})
endfunction()

function(mcpwire_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(mcpwire_${name} STATIC ${ARG_SOURCES})
  add_library(mcpwire::${name} ALIAS mcpwire_${name})
  target_include_directories(mcpwire_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(mcpwire_${name} PUBLIC cxx_std_23)
  target_link_libraries(mcpwire_${name} PUBLIC ${ARG_PUBLIC} PRIVATE mcpwire_warnings ${ARG_PRIVATE})
  mcpwire_share_headers(mcpwire_${name} standard)
endfunction()

function(mcpwire_program name)
  cmake_parse_arguments(ARG "STATIC_PIE" "" "SOURCES;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mcpwire_warnings ${ARG_PRIVATE})
  if(ARG_STATIC_PIE)
    target_compile_options(${name} PRIVATE -fPIE)
    target_link_options(${name} PRIVATE -static-pie)
  endif()
endfunction()

include(GoogleTest)
function(mcpwire_test name)
  cmake_parse_arguments(ARG "THREADS;BOTH_BACKENDS;SHARDS" "LABEL;TIMEOUT;TEST_LIST" "SOURCES;PRIVATE" ${ARGN})
  if(NOT ARG_LABEL IN_LIST MCPWIRE_TEST_LABELS)
    message(FATAL_ERROR "mcpwire_test(${name}): LABEL must be one of: ${MCPWIRE_TEST_LABELS}. "
                        "A test with another label would be run by nobody.")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_TEST_LIST)
    set(ARG_TEST_LIST ${name}_TESTS)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mcpwire_warnings ${ARG_PRIVATE} GTest::gmock GTest::gtest_main)
  mcpwire_share_headers(${name} test)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(mcpwire_tests_${ARG_LABEL} ${name})
  if(ARG_THREADS OR ARG_LABEL MATCHES "^(stress|process|programs)$")
    add_dependencies(mcpwire_tests_threads ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_LIST ${ARG_TEST_LIST}
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
  if(ARG_BOTH_BACKENDS)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_LIST ${ARG_TEST_LIST}_EPOLL
      TEST_SUFFIX .epoll
      PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT MCPWIRE_IO_BACKEND=epoll)
  endif()
  if(ARG_SHARDS)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_LIST ${ARG_TEST_LIST}_SHARDS
      TEST_SUFFIX .shards
      PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT MCPWIRE_SHARDS=2)
  endif()
endfunction()

function(mcpwire_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mcpwire_warnings ${ARG_PRIVATE} benchmark::benchmark_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  # One iteration is no figure: the smoke run shows only that the benchmark and its checks still work.
  add_test(NAME ${name}.smoke COMMAND ${name} --benchmark_min_time=0.0001)
  set_tests_properties(${name}.smoke PROPERTIES LABELS bench-smoke TIMEOUT 120)
endfunction()
