// SPDX-License-Identifier: MIT
//
// [ring.retire]: a daemon gives the rings of an idle connection back while the client may be
// writing into them; each record is either taken or sent again over new rings, never both.
//   consumer: park with RETIRING, look again, store RETIRED ring/spsc_consumer.cpp
//   producer: commit, look at the peer's state              ring/spsc_producer.cpp
// The daemon's channel is hot or cold: io/detail/channel_rest.cpp, io/detail/channel_turns.cpp. What the
// client does about it: Link::settle_push() in client/detail/link_rings.cpp.
//
// A record that is neither taken nor sent again is an invalid end state; both is an assertion.

#ifndef RECORDS
#define RECORDS 3
#endif

#define PRODUCER 0
#define CONSUMER 1
#define PROCESSES 2
#define DEPTH 4

#define WAIT_WORD RECORDS /* the words before it are the commit words */
#define POSITION (RECORDS + 1)
#define WORDS (RECORDS + 2)
#include "machine.pml"
#include "doorbell.pml"

#define RETIRING 100
#define RETIRED 200

#ifdef COMMIT_WITH_RELEASE
#define COMMIT_ORDER RELEASE
#else
#define COMMIT_ORDER SEQ_CST
#endif
#ifdef RETIRING_WITH_RELEASE
#define RETIRING_ORDER RELEASE
#else
#define RETIRING_ORDER SEQ_CST
#endif

byte truly_taken;  /* records that the daemon has handled */

/* Link::push() and settle_push(), until the rings are retired or all is sent. */
proctype Producer() {
  byte pushed, seen, rung, position;
  do
  :: pushed < RECORDS ->
     store(PRODUCER, pushed, 1, COMMIT_ORDER);  // SYNC [ring.commit] [ring.park] release
     pushed++;
     do
     :: load_seq_cst(PRODUCER, WAIT_WORD, seen);  // SYNC [ring.park] [ring.retire] acquire
        if
#ifdef RETIRING_TAKEN_FOR_AWAKE
        :: seen == RETIRING -> break
#else
        :: seen == RETIRING /* looks again */
#endif
        :: seen == RETIRED -> break
        :: seen < RETIRING && wait_word_asleep(seen) && seen != rung ->
           rung = seen;
           ring_doorbell(CONSUMER);
           break
        :: else -> break
        fi
     od;
     if
     :: seen == RETIRED ->
        /* Producer::peer_took_all() */
        load(PRODUCER, POSITION, position);  // SYNC [ring.space] acquire
        if
        :: position == pushed
        :: else ->
           /* renew_rings(): the last record goes over new ones. */
           assert(position == pushed - 1);
           assert(truly_taken == position)
        fi;
        pushed = RECORDS;
        goto renewed
     :: else
     fi;
     seen = 0
  :: else -> break
  od;
  /* Whatever was said to be taken must be taken. */
  truly_taken == RECORDS;
renewed:
  skip
}

inline take_records() {
  do
  :: taken < RECORDS ->
     load(CONSUMER, taken, found);  // SYNC [ring.commit] acquire
     if
     :: found != 0 ->
        found = 0;
        taken++;
        truly_taken = taken
     :: else -> break
     fi
  :: else -> break
  od
}

inline publish_position() {
  store(CONSUMER, POSITION, taken, SEQ_CST)  // SYNC [ring.space] release
}

inline look_again() {
  if
  :: taken < RECORDS -> load_seq_cst(CONSUMER, taken, found)  // SYNC [ring.park] acquire
  :: else
  fi
}

proctype Consumer() {
  byte taken, found, epoch;
  bool is_cold;
end:
  do
  :: if
     :: !is_cold -> take_records()
     :: else
     fi;
     if
     :: true -> /* idle for long enough: retire_rings_if_idle() */
        epoch++;
#ifndef POSITION_AFTER_RETIRED
        publish_position();
#endif
#ifdef RETIRES_WITHOUT_RETIRING
        look_again();
#else
        store(CONSUMER, WAIT_WORD, RETIRING, RETIRING_ORDER);  // SYNC [ring.park] release
#ifndef RETIRES_WITHOUT_SECOND_LOOK
        look_again();
#endif
#endif
        if
        :: found == 0 ->
           store(CONSUMER, WAIT_WORD, RETIRED, RELEASE);  // SYNC [ring.retire] release
#ifdef POSITION_AFTER_RETIRED
           publish_position();
#endif
           goto retired
        :: else -> /* unpark(), make_hot() */
           found = 0;
           is_cold = false;
           store(CONSUMER, WAIT_WORD, wait_word(epoch, 0), PLAIN)
        fi
     :: !is_cold -> /* prepare_park() or try_cool_down() */
        epoch++;
        publish_position();
        store(CONSUMER, WAIT_WORD, wait_word(epoch, 1), SEQ_CST);  // SYNC [ring.park] release
        look_again();
        if
        :: found == 0 -> is_cold = true
        :: else -> found = 0; store(CONSUMER, WAIT_WORD, wait_word(epoch, 0), PLAIN)
        fi
     :: is_cold ->
endcold: d_step { doorbells[CONSUMER] > 0; doorbells[CONSUMER] = 0 };
        is_cold = false; /* make_hot() */
        store(CONSUMER, WAIT_WORD, wait_word(epoch, 0), PLAIN)
     fi
  od;
retired:
  skip
}

init {
  atomic {
    run Producer();
    run Consumer();
    run Drain(PRODUCER);
    run Drain(CONSUMER)
  }
}
