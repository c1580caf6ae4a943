# mcpwire_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...]): one layer as a static library
# mcpwire_NAME with the alias mcpwire::NAME.
# mcpwire_program(NAME SOURCES ... PRIVATE ...): a program in bin/.
# mcpwire_test(NAME LABEL label SOURCES ... PRIVATE ...): a GoogleTest program; every case of it
# becomes a CTest test with that label.

add_library(mcpwire_warnings INTERFACE)
target_compile_options(mcpwire_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -Wimplicit-fallthrough -Werror
  # Designated initialisers that leave the rest zero are how SQEs and requests are written.
  -Wno-missing-designated-field-initializers -Wno-missing-field-initializers
  # TRY() is a statement expression on purpose (protocol/base/result.hpp).
  -Wno-gnu-statement-expression)

function(mcpwire_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(mcpwire_${name} STATIC ${ARG_SOURCES})
  add_library(mcpwire::${name} ALIAS mcpwire_${name})
  target_include_directories(mcpwire_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(mcpwire_${name} PUBLIC ${ARG_PUBLIC} PRIVATE mcpwire_warnings ${ARG_PRIVATE})
endfunction()

function(mcpwire_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mcpwire_warnings ${ARG_PRIVATE})
endfunction()

include(GoogleTest)
function(mcpwire_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;PRIVATE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE mcpwire_warnings ${ARG_PRIVATE} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} PRIVATE <gtest/gtest.h>)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120)
endfunction()
