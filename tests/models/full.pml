// SPDX-License-Identifier: MIT
//
// Both directions full: a client that pipelines requests into a ring that is full, and a daemon
// whose answers do not fit into the other one. Each sleeps for room and for records at once, with
// one doorbell for both ([ring.park], [ring.space_park]).
//   client: ring::Waiter with wanted_space                  ring/waiter.cpp, client/detail/link_send.cpp
//   daemon: outbox, throttle, hot and cold channel          io/detail/channel_turns.cpp, io/detail/channel_*.cpp
//
// A deadlock is an invalid end state: not everything is answered, and nobody can take a step.
// It starts where both are full already: one answer in the ring and one kept, one request in the ring
// and one that waits for room.

#ifndef CALLS
#define CALLS 4
#endif
#define RING 1      /* records that a ring holds */
#define KEPT_MAX 1  /* answers that the daemon keeps before it takes no further request */

#define CLIENT 0
#define DAEMON 1
#define PROCESSES 2
#define DEPTH 4
#define peer_of(p) (1 - (p))

/* Of each side: the commit words of what it sends, its position, its two wait words. */
#define commit_word(p, i) ((p) * (CALLS + 3) + (i))
#define position_word(p) ((p) * (CALLS + 3) + CALLS)
#define wait_word_of(p) ((p) * (CALLS + 3) + CALLS + 1)
#define space_wait_word_of(p) ((p) * (CALLS + 3) + CALLS + 2)
#define WORDS (2 * (CALLS + 3))
#include "machine.pml"
#include "doorbell.pml"

/* Each side has these as its own: pushed, credited, taken, epoch, seen, rung, rung_for_room. */

#define room_left (pushed - credited < RING)
inline refresh_credits(p) {
  if
  :: !room_left -> load_seq_cst(p, position_word(peer_of(p)), credited)  // SYNC [ring.space] [ring.space_park] acquire
  :: else
  fi
}

/* Producer::try_push() where there is room, and the doorbell test behind it */
inline push(p) {
  store(p, commit_word(p, pushed), 1, SEQ_CST);  // SYNC [ring.commit] [ring.park] release
  pushed++;
  load_seq_cst(p, wait_word_of(peer_of(p)), seen);  // SYNC [ring.park] acquire
  if
  :: wait_word_asleep(seen) && seen != rung -> rung = seen; ring_doorbell(peer_of(p))
  :: else
  fi;
  seen = 0
}

/* Consumer::release() */
inline take(p) {
  taken++;
  store(p, position_word(p), taken, SEQ_CST)  // SYNC [ring.space] [ring.space_park] release
}

/* Consumer::peer_waits_for_space() */
inline ring_for_room(p) {
  load_seq_cst(p, space_wait_word_of(peer_of(p)), seen);  // SYNC [ring.space_park] acquire
  if
  :: wait_word_asleep(seen) && seen != rung_for_room ->
     rung_for_room = seen;
     ring_doorbell(peer_of(p))
  :: else
  fi;
  seen = 0
}

/* Consumer::prepare_park(): `found` is not zero if there is a record. */
inline announce_for_records(p) {
  store(p, wait_word_of(p), wait_word(epoch, 1), SEQ_CST);  // SYNC [ring.park] release
  if
  :: taken < CALLS -> load_seq_cst(p, commit_word(peer_of(p), taken), found)  // SYNC [ring.park] acquire
  :: else
  fi
}

/* Producer::prepare_park(): room_left afterwards if there is some. */
inline announce_for_room(p) {
  // SYNC [ring.space_park] release
  store(p, space_wait_word_of(p), wait_word(epoch, 1), SEQ_CST);
  refresh_credits(p)
}

inline unpark(p) {
  store(p, wait_word_of(p), wait_word(epoch, 0), PLAIN);
  store(p, space_wait_word_of(p), wait_word(epoch, 0), PLAIN)
}

/* ---- client ---- */

/* Waiter::wait_blocking(): comes back with a record taken, with room, or after one sleep. */
inline wait_blocking(wants_room) {
  found = 0;
#ifdef CLIENT_WAITS_FOR_ROOM_ONLY
  if
  :: !wants_room -> load(CLIENT, commit_word(DAEMON, taken), found)
  :: else
  fi;
#else
  load(CLIENT, commit_word(DAEMON, taken), found);  // SYNC [ring.commit] acquire
#endif
  if
  :: found != 0 -> take(CLIENT)
  :: else ->
#ifndef CLIENT_DOES_NOT_RING_FOR_ROOM
     ring_for_room(CLIENT);
#endif
     epoch++;
#ifdef CLIENT_WAITS_FOR_ROOM_ONLY
     if
     :: !wants_room -> announce_for_records(CLIENT)
     :: else
     fi;
#else
     announce_for_records(CLIENT);
#endif
     if
     :: found == 0 && wants_room -> announce_for_room(CLIENT)
     :: else
     fi;
     if
     :: found == 0 && !(wants_room && room_left) ->
        d_step { doorbells[CLIENT] > 0; doorbells[CLIENT]-- }
     :: else
     fi;
     unpark(CLIENT)
  fi;
  found = 0
}

proctype Client() {
  byte pushed = 3, credited = 2, taken, epoch, seen, rung, rung_for_room, found;
  do
  :: taken == CALLS -> break
  :: taken < CALLS && pushed < CALLS ->
     refresh_credits(CLIENT);
     if
     :: room_left -> push(CLIENT)
     :: else -> wait_blocking(true)
     fi
  :: taken < CALLS && pushed == CALLS -> wait_blocking(false)
  od
}

/* ---- daemon ---- */

#define is_throttled (kept >= KEPT_MAX)

inline send_answer() {
  refresh_credits(DAEMON);
  if
  :: room_left && kept == 0 -> push(DAEMON)
  :: else -> kept++
  fi
}

/* ChannelOutbox::flush() */
inline flush() {
  do
  :: kept > 0 ->
     refresh_credits(DAEMON);
     if
     :: room_left -> push(DAEMON); kept--
     :: else -> break
     fi
  :: else -> break
  od
}

/* ClientChannel::take_records() */
inline take_records() {
  any = false;
  do
  :: !is_throttled && taken < CALLS ->
     load(DAEMON, commit_word(CLIENT, taken), found);  // SYNC [ring.commit] acquire
     if
     :: found != 0 -> found = 0; any = true; take(DAEMON); send_answer()
     :: else -> break
     fi
  :: else -> break
  od;
  if
  :: any -> ring_for_room(DAEMON)
  :: else
  fi;
  any = false
}

proctype Daemon() {
  byte pushed = 1, credited, taken = 2, epoch, seen, rung, rung_for_room, found, kept = 1;
  bool any, is_cold;
  do
  :: pushed == CALLS -> break
  :: pushed < CALLS ->
     if
     :: !is_cold ->
        flush();
        take_records();
        epoch++;
        if
        :: true
#ifdef DAEMON_COOLS_WITH_ANSWERS_KEPT
        :: pushed < CALLS ->
#else
        :: kept == 0 && pushed < CALLS ->
#endif
           /* try_cool_down() */
           announce_for_records(DAEMON);
           if
           :: found == 0 -> is_cold = true
           :: else -> found = 0; unpark(DAEMON); epoch++
           fi
        fi
     :: else
     fi;
     if
     :: pushed < CALLS ->
        /* prepare_park() of a hot channel */
        if
        :: !is_cold && !is_throttled -> announce_for_records(DAEMON)
        :: else
        fi;
        if
#ifndef DAEMON_DOES_NOT_WAIT_FOR_ROOM
        :: !is_cold && found == 0 && kept > 0 -> announce_for_room(DAEMON)
#endif
        :: else
        fi;
        if
        :: found == 0 && !(!is_cold && kept > 0 && room_left) ->
           d_step { doorbells[DAEMON] > 0; doorbells[DAEMON] = 0 };
           is_cold = false /* make_hot() */
        :: else
        fi;
        found = 0;
        unpark(DAEMON)
     :: else
     fi
  od
}

init {
  atomic {
    memory[commit_word(CLIENT, 0)] = 1;
    memory[commit_word(CLIENT, 1)] = 1;
    memory[commit_word(CLIENT, 2)] = 1;
    memory[position_word(DAEMON)] = 2;
    memory[commit_word(DAEMON, 0)] = 1;
    run Client();
    run Daemon();
    run Drain(CLIENT);
    run Drain(DAEMON)
  }
}
