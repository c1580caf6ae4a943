// SPDX-License-Identifier: MIT
//
// [ring.park] and the doorbell: a consumer that goes to sleep is rung for what is committed.
//   producer: store the commit word, load the wait word     ring/spsc_producer.cpp
//   consumer: store the wait word, load the commit word     ring/spsc_consumer.cpp
// The consumer is ring::Waiter's thread, or with -DDAEMON the loop with one client's channel, which
// it polls only while that is hot (io/detail/channel_turns.cpp).
//
// A lost wake-up is an invalid end state: the consumer sleeps, no doorbell is pending, and the
// producer has committed everything.

#ifndef RECORDS
#define RECORDS 3
#endif
#ifndef OTHER_WAKES
#define OTHER_WAKES 1  /* wake-ups for another reason: a timer, a signal, another client */
#endif

#define PRODUCER 0
#define CONSUMER 1
#define PROCESSES 2
#define DEPTH 4

#define WAIT_WORD RECORDS /* the words before it are the commit words */
#define WORDS (RECORDS + 1)
#include "machine.pml"
#include "doorbell.pml"

#ifdef COMMIT_WITH_RELEASE
#define COMMIT_ORDER RELEASE
#else
#define COMMIT_ORDER SEQ_CST
#endif
#ifdef WAIT_WORD_WITH_RELEASE
#define WAIT_ORDER RELEASE
#else
#define WAIT_ORDER SEQ_CST
#endif
#ifdef DOORBELL_TEST_WITH_ACQUIRE
#define load_in_doorbell_test load
#else
#define load_in_doorbell_test load_seq_cst
#endif
#ifdef SECOND_LOOK_WITH_ACQUIRE
#define load_in_second_look load
#else
#define load_in_second_look load_seq_cst
#endif

bool asleep;

inline ring() {
#ifdef DOORBELL_IS_NOT_QUEUED
  d_step {
    at = 0;
    if
    :: asleep -> doorbells[CONSUMER] = 1
    :: else
    fi;
    at = 0
  }
#else
  ring_doorbell(CONSUMER)
#endif
}

/* Producer::peer_needs_doorbell() and ring_doorbell() */
inline test_doorbell() {
  load_in_doorbell_test(PRODUCER, WAIT_WORD, seen);  // SYNC [ring.park] acquire
  if
#ifdef RUNG_ONCE_AND_FOR_ALL
  :: wait_word_asleep(seen) && rung == 0 -> rung = seen; ring()
#else
  :: wait_word_asleep(seen) && seen != rung -> rung = seen; ring()
#endif
  :: else
  fi;
  seen = 0
}

proctype Producer() {
  byte next = 0, first, seen, rung;
  do
  :: next < RECORDS ->
     /* A batch of one or more: the first word is stored last. */
     first = next;
     next++;
     do
     :: next < RECORDS -> store(PRODUCER, next, 1, RELEASE); next++  // SYNC [ring.commit] release
     :: break
     od;
#ifdef DOORBELL_TEST_BEFORE_COMMIT
     test_doorbell();
#endif
     store(PRODUCER, first, 1, COMMIT_ORDER);  // SYNC [ring.commit] [ring.park] release
#ifndef DOORBELL_TEST_BEFORE_COMMIT
     test_doorbell();
#endif
     first = 0
  :: else -> break
  od
}

/* Consumer::prepare_park(): `found` is not zero if the caller must not sleep. */
inline prepare_park() {
#ifdef EPOCH_DOES_NOT_CHANGE
  epoch = 1;
#else
  epoch++;
#endif
#ifdef LOOK_BEFORE_ANNOUNCING
  load_in_second_look(CONSUMER, taken, found);
#endif
  store(CONSUMER, WAIT_WORD, wait_word(epoch, 1), WAIT_ORDER);  // SYNC [ring.park] release
#if !defined(LOOK_BEFORE_ANNOUNCING) && !defined(NO_SECOND_LOOK)
  load_in_second_look(CONSUMER, taken, found)  // SYNC [ring.park] acquire
#endif
}

inline unpark() { store(CONSUMER, WAIT_WORD, wait_word(epoch, 0), PLAIN) }

inline take_records() {
  do
  :: taken < RECORDS ->
     load(CONSUMER, taken, found);  // SYNC [ring.commit] acquire
     if
     :: found != 0 -> taken++; found = 0
     :: else -> break
     fi
  :: else -> break
  od
}

/* ppoll() or the ring's wait: ends with a doorbell or for another reason. The client takes one
   doorbell, the daemon all there are. */
#ifdef DAEMON
#define take_doorbells doorbells[CONSUMER] = 0
#else
#define take_doorbells doorbells[CONSUMER]--
#endif
inline sleep() {
  d_step { asleep = true };
  if
  :: d_step { doorbells[CONSUMER] > 0; take_doorbells; heard_doorbell = true; asleep = false }
  :: d_step { other_wakes > 0; other_wakes--; asleep = false }
  fi
}

/* Doorbells are also heard by whoever is awake. */
inline look_at_socket() {
  if
  :: d_step { doorbells[CONSUMER] > 0; take_doorbells; heard_doorbell = true }
  :: true
  fi
}

#ifndef DAEMON
/* Waiter::wait_blocking() again and again; how long it spins changes nothing here. */
proctype Consumer() {
  byte taken, found, epoch, other_wakes = OTHER_WAKES;
  bool heard_doorbell;
  do
  :: take_records();
     if
     :: taken == RECORDS -> break
     :: else
     fi;
     look_at_socket();
     prepare_park();
     if
     :: found == 0 -> sleep()
     :: else
     fi;
     heard_doorbell = false;
     found = 0;
     unpark()
  od
}
#else
/* Loop::turn() with one ClientChannel: poll(), try_cool_down(), prepare_park(), make_hot(). Another
   event wakes the loop without anybody looking into a ring that is cold. */
proctype Consumer() {
  byte taken, found, epoch, other_wakes = OTHER_WAKES;
  bool heard_doorbell, is_cold;
  do
  :: if
     :: !is_cold ->
        take_records();
        if
        :: taken == RECORDS -> break
        :: else
        fi;
        if
        :: true /* quiet for long enough */ ->
#ifdef COLD_WITHOUT_ANNOUNCING
           is_cold = true
#else
           prepare_park();
           if
           :: found == 0 -> is_cold = true
           :: else -> found = 0; unpark()
           fi
#endif
        :: true
        fi
     :: else
     fi;
     if
     :: !is_cold -> prepare_park()
     :: else
     fi;
     if
     :: found == 0 -> sleep()
     :: else -> found = 0; look_at_socket()
     fi;
     if
     :: !is_cold -> unpark()
     :: is_cold && heard_doorbell -> is_cold = false; unpark()
     :: else
     fi;
     heard_doorbell = false
  od
}
#endif

init {
  atomic {
    run Producer();
    run Consumer();
    run Drain(PRODUCER);
    run Drain(CONSUMER)
  }
}
