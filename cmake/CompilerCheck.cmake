# g++ 12 silently miscompiles coroutines: `if (co_await x)` takes the wrong branch in a coroutine
# whose outermost block has no local variable, and temporaries in awaited calls are destroyed twice
# (GCC PR 106188, 107288). A build that starts and then answers wrongly is worse than none.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "mcpwire cannot be built with GCC ${CMAKE_CXX_COMPILER_VERSION}: GCC before 13 silently "
    "miscompiles coroutines (wrong branches after co_await, double destruction; GCC PR 106188 and "
    "107288). Use clang-19: CXX=clang++-19 CC=clang-19 cmake -S . -B build -G Ninja")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/Linker.cmake)
