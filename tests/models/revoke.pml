// SPDX-License-Identifier: MIT
//
// [call.revoke], [call.state]: `not_sent` is never told for a call that the daemon sends.
//   client: store REVOKED, load the daemon's word           ring/call_words.cpp revoke()
//   daemon: store SENDING, load the client's word           ring/call_words.cpp begin_sending()
// The daemon may be killed between any two of its steps: what it has stored still becomes visible
// (its store buffer drains), what it has not stored never does. The client looks at its word when
// its deadline passes or when the daemon is dead, whichever comes first, and may look again.
// Two calls share one slot of the table, as calls 256 ids apart do.

#define CLIENT 0
#define DAEMON 1
#define PROCESSES 2
#ifndef DEPTH
#define DEPTH 5
#endif

#define CALLS 2
#define WORDS 4
#define DAEMON_WORD 0
#define CLIENT_WORD 1
#define ANSWER 2 /* + call: the commit word of the answer's record */
#include "machine.pml"

/* protocol/call_word.hpp: the id of a call above, its state below. */
#define NONE 0
#define CLAIMED 1
#define SENDING 2
#define SENT 3
#define DONE 4
#define REVOKED 7
#define call_word(call, state) (((call) + 1) * 8 + (state))

#ifdef SENDING_WITH_RELEASE
#define SENDING_ORDER RELEASE
#else
#define SENDING_ORDER SEQ_CST
#endif
#ifdef REVOKED_WITH_RELEASE
#define REVOKED_ORDER RELEASE
#else
#define REVOKED_ORDER SEQ_CST
#endif
#ifdef REVOKED_LOADED_WITH_ACQUIRE
#define load_revoked load
#else
#define load_revoked load_seq_cst
#endif
#ifdef STATE_LOADED_WITH_ACQUIRE
#define load_state load
#else
#define load_state load_seq_cst
#endif

bool sent[CALLS];           /* a byte of it was handed to the server */
bool told_not_sent[CALLS];
byte submitted;             /* requests in the ring: [ring.commit] is commit.pml's */
bool daemon_is_dead;

#define no_lie(call) assert(!(sent[call] && told_not_sent[call]))

/* DaemonCallWords::begin_sending(): `seen` is the client's word */
inline begin_sending() {
#ifdef REVOKED_LOADED_BEFORE_SENDING
  load_revoked(DAEMON, CLIENT_WORD, seen);
#endif
#ifndef SENDING_NOT_STORED
  // SYNC [call.state] [call.revoke] release
  store(DAEMON, DAEMON_WORD, call_word(call, SENDING), SENDING_ORDER);
#endif
#ifndef REVOKED_LOADED_BEFORE_SENDING
  load_revoked(DAEMON, CLIENT_WORD, seen);  // SYNC [call.revoke] acquire
#endif
#ifdef REVOKED_NOT_LOOKED_AT
  seen = 0;
#endif
}

inline send_to_server() {
  d_step { sent[call] = true; no_lie(call) }
}

/* daemon/call_tool.cpp for one call after the other. A write that failed before its line was whole
   is tried once more on another server. */
proctype Daemon() {
  byte call, seen;
  bool tried;
  {
    do
    :: call < CALLS ->
       submitted > call;
       store(DAEMON, DAEMON_WORD, call_word(call, CLAIMED), RELEASE);  // SYNC [call.state] release
again:
       begin_sending();
       if
       :: seen == call_word(call, REVOKED) ->
          store(DAEMON, DAEMON_WORD, call_word(call, CLAIMED), RELEASE)  // SYNC [call.state] release
       :: seen != call_word(call, REVOKED) && !tried ->
          tried = true;
          store(DAEMON, DAEMON_WORD, call_word(call, CLAIMED), RELEASE);
          goto again
       :: seen != call_word(call, REVOKED) ->
          send_to_server();
          store(DAEMON, DAEMON_WORD, call_word(call, SENT), RELEASE)  // SYNC [call.state] release
       fi;
#ifdef DONE_BEFORE_THE_ANSWER
       store(DAEMON, DAEMON_WORD, call_word(call, DONE), RELEASE);
#endif
       store(DAEMON, ANSWER + call, 1, SEQ_CST);  // SYNC [ring.commit] release
#ifndef DONE_BEFORE_THE_ANSWER
       store(DAEMON, DAEMON_WORD, call_word(call, DONE), RELEASE);  // SYNC [call.state] release
#endif
       d_step { call++; tried = false; seen = 0 }
    :: else -> break
    od
  } unless { daemon_is_dead }
}

proctype Kill() {
  if
  :: daemon_is_dead = true
  :: true
  fi
}

/* What the word tells of `call`; another call's word tells nothing. */
inline read_state() {
  load_state(CLIENT, DAEMON_WORD, word);  // SYNC [call.state] [call.revoke] acquire
  if
  :: word / 8 == call + 1 -> state = word % 8
  :: else -> state = NONE
  fi;
  word = 0
}

/* verdict() in client/detail/call_table.cpp */
inline tell() {
  if
  :: state < SENDING -> d_step { told_not_sent[call] = true; no_lie(call) }
  :: else
  fi;
  state = NONE
}

inline revoke() {
#ifdef STATE_LOADED_BEFORE_REVOKED
  read_state();
#endif
#ifndef NOT_REVOKED
  store(CLIENT, CLIENT_WORD, call_word(call, REVOKED), REVOKED_ORDER);  // SYNC [call.revoke] release
#endif
#ifndef STATE_LOADED_BEFORE_REVOKED
  read_state()
#endif
}

/* Client: submits a call; takes its answer, or its deadline passes, or the daemon dies. */
proctype Client() {
  byte call, word, state, answer;
  do
  :: call < CALLS && !daemon_is_dead ->
     submitted++;
     if
     :: memory[ANSWER + call] == 1
     :: true /* the deadline passes: Session::settle_silent() */ ->
        revoke();
        tell();
        if
        :: true
        :: revoke(); tell() /* a second look: Session::settle_lost_link() */
        fi;
#ifndef SLOT_REUSED_AFTER_GIVING_UP
        /* The id keeps its slot until its answer was taken out. */
        if
        :: memory[ANSWER + call] == 1
        :: daemon_is_dead && is_drained(DAEMON)
        fi
#endif
     :: daemon_is_dead && is_drained(DAEMON) /* Session::settle_lost_link() */ ->
        revoke();
        if
        :: state == DONE ->
           /* Whoever reads DONE finds the answer in the ring. */
           load(CLIENT, ANSWER + call, answer);  // SYNC [ring.commit] acquire
           assert(answer == 1);
           answer = 0
        :: else
        fi;
        tell()
     fi;
     call++
  :: else -> break
  od
}

init {
  atomic {
    run Client();
    run Daemon();
    run Kill();
    run Drain(CLIENT);
    run Drain(DAEMON)
  }
}
