# The contenders that come from Debian packages, added to mcpwire_peers (MCPWIRE_PEERS only). What
# they need is found in cmake/Dependencies.cmake.
set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
find_program(CAPNP_PROGRAM capnp REQUIRED)
find_program(CAPNPC_CXX_PROGRAM capnpc-c++ REQUIRED)
find_program(PROTOC_PROGRAM protoc REQUIRED)
find_program(GRPC_CXX_PROGRAM grpc_cpp_plugin REQUIRED)

add_custom_command(
  OUTPUT ${generated}/peers.capnp.c++ ${generated}/peers.capnp.h
  COMMAND ${CAPNP_PROGRAM} compile -o${CAPNPC_CXX_PROGRAM}:${generated} -I/usr/include
          --src-prefix=${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/peers.capnp
  DEPENDS peers.capnp VERBATIM)
add_custom_command(
  OUTPUT ${generated}/peers.pb.cc ${generated}/peers.pb.h ${generated}/peers.grpc.pb.cc
         ${generated}/peers.grpc.pb.h
  COMMAND ${PROTOC_PROGRAM} --proto_path=${CMAKE_CURRENT_SOURCE_DIR} --cpp_out=${generated}
          --grpc_out=${generated} --plugin=protoc-gen-grpc=${GRPC_CXX_PROGRAM} peers.proto
  DEPENDS peers.proto VERBATIM)

# Generated code is not ours to warn about.
add_library(mcpwire_peers_grpc_schema OBJECT ${generated}/peers.pb.cc ${generated}/peers.grpc.pb.cc)
target_compile_options(mcpwire_peers_grpc_schema PRIVATE -w)
target_include_directories(mcpwire_peers_grpc_schema SYSTEM PUBLIC ${generated})
target_link_libraries(mcpwire_peers_grpc_schema PUBLIC gRPC::grpc++ protobuf::libprotobuf)

# Headers of Cap'n Proto 0.9 are C++17: contenders/capnproto_link.hpp.
add_library(mcpwire_peers_capnproto_schema OBJECT ${generated}/peers.capnp.c++)
target_compile_options(mcpwire_peers_capnproto_schema PRIVATE -w)
target_include_directories(mcpwire_peers_capnproto_schema SYSTEM PUBLIC ${generated})
target_link_libraries(mcpwire_peers_capnproto_schema PUBLIC CapnProto::capnp-rpc)
add_library(mcpwire_peers_capnproto OBJECT contenders/capnproto_link.cpp)
target_include_directories(mcpwire_peers_capnproto PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(mcpwire_peers_capnproto PRIVATE mcpwire_peers_capnproto_schema
                                                      mcpwire_warnings)
set_target_properties(mcpwire_peers_capnproto_schema mcpwire_peers_capnproto
                      PROPERTIES CXX_STANDARD 17)

target_sources(mcpwire_peers PRIVATE
  contenders/capnproto.cpp contenders/grpc.cpp contenders/nng.cpp contenders/readerwriterqueue.cpp
  contenders/zeromq.cpp $<TARGET_OBJECTS:mcpwire_peers_grpc_schema>
  $<TARGET_OBJECTS:mcpwire_peers_capnproto_schema> $<TARGET_OBJECTS:mcpwire_peers_capnproto>)
target_compile_definitions(mcpwire_peers PRIVATE MCPWIRE_PEERS)
target_include_directories(mcpwire_peers SYSTEM PRIVATE ${generated})
target_link_libraries(mcpwire_peers PRIVATE gRPC::grpc++ protobuf::libprotobuf
                                            CapnProto::capnp-rpc PkgConfig::libzmq nng::nng)
# grpc.cpp includes a header that is generated.
add_dependencies(mcpwire_peers mcpwire_peers_grpc_schema)
