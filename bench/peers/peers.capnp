# SPDX-License-Identifier: MIT
@0xa1c5e0f3b7d29468;
# What Cap'n Proto is measured with: an answer of the same size, and a stream.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("mcpwire::peers::schema");

interface Echo {
  ask @0 (payload :Data) -> (payload :Data);
  push @1 (payload :Data) -> stream;
  done @2 () -> ();
}
