// SPDX-License-Identifier: MIT
//
// The doorbell: a frame in the control socket of a process. It waits there until it is read, so it
// may come before the sleep. A full queue counts as rung: the sleeper has something to read.
// ring/control_socket.cpp ring_doorbell(), take_doorbell(); wait words: ring/segment_layout.hpp.

#define DOORBELLS_MAX 2

byte doorbells[PROCESSES];

#define wait_word(epoch, is_asleep) ((epoch) * 2 + (is_asleep))
#define wait_word_asleep(word) ((word) % 2 == 1)

inline ring_doorbell(p) {
  d_step {
    at = 0;
    if
    :: doorbells[p] < DOORBELLS_MAX -> doorbells[p]++
    :: else
    fi;
    at = 0
  }
}
