# lld links a debug build several times faster than GNU ld and is installed by scripts/setup.sh.
# It is used wherever it is found, so that a plain `cmake -S . -B build -G Ninja` needs no flag.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  string(REGEX MATCH "^[0-9]+" compiler_major "${CMAKE_CXX_COMPILER_VERSION}")
  find_program(MCPWIRE_LLD NAMES ld.lld-${compiler_major} ld.lld)
  if(MCPWIRE_LLD)
    get_filename_component(lld_name "${MCPWIRE_LLD}" NAME)
    string(REPLACE "ld." "" lld_name "${lld_name}")
    add_link_options(-fuse-ld=${lld_name})
  endif()
endif()
