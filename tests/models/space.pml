// SPDX-License-Identifier: MIT
//
// [ring.space], [ring.space_park]: a producer that finds the ring full goes to sleep and is rung
// when there is room; the consumer holds credits back, but publishes them before it sleeps.
//   consumer: store its position, load the space-wait word  ring/spsc_consumer.cpp
//   producer: store the space-wait word, load the position  ring/spsc_producer.cpp
// Both ends sleep here, so [ring.park] is in it too. Records have their own commit word each: what
// a place of the ring holds after it was used again is commit.pml's question.
//
// A lost wake-up is an invalid end state. A record over one that is still read is an assertion.

#ifndef RECORDS
#define RECORDS 4
#endif
/* Tighter than a real ring, so that nothing here rests on sizes: a ring that was drained has room
   for the largest record only with all of its credits. */
#define RING 4         /* granules */
#define RECORD_MAX 3   /* granules of the largest record */
#define CREDIT_STEP 3  /* granules read before the position is published */

#define PRODUCER 0
#define CONSUMER 1
#define PROCESSES 2
#ifndef DEPTH
#define DEPTH 4
#endif

#define POSITION RECORDS /* the words before it are the commit words */
#define SPACE_WAIT_WORD (RECORDS + 1)
#define WAIT_WORD (RECORDS + 2)
#define WORDS (RECORDS + 3)
#include "machine.pml"
#include "doorbell.pml"

#ifdef POSITION_WITH_RELEASE
#define POSITION_ORDER RELEASE
#else
#define POSITION_ORDER SEQ_CST
#endif
#ifdef SPACE_WAIT_WORD_WITH_RELEASE
#define SPACE_WAIT_ORDER RELEASE
#else
#define SPACE_WAIT_ORDER SEQ_CST
#endif
#ifdef DOORBELL_TEST_WITH_ACQUIRE
#define load_in_doorbell_test load
#else
#define load_in_doorbell_test load_seq_cst
#endif
#ifdef CREDITS_WITH_ACQUIRE
#define load_credits load
#else
#define load_credits load_seq_cst
#endif

byte released;  /* granules that the consumer has truly done with */

/* ---- producer ---- */

/* Producer::has_space(), the fast half of try_reserve() */
#define fits (position + bytes - credited <= RING)
inline refresh_credits() {
  if
  :: !fits -> load_credits(PRODUCER, POSITION, credited)  // SYNC [ring.space] [ring.space_park] acquire
  :: else
  fi
}

inline wait_for_room() {
  epoch++;
#ifdef LOOK_BEFORE_ANNOUNCING
  refresh_credits();
#endif
  // SYNC [ring.space_park] release
  store(PRODUCER, SPACE_WAIT_WORD, wait_word(epoch, 1), SPACE_WAIT_ORDER);
#if !defined(LOOK_BEFORE_ANNOUNCING) && !defined(NO_SECOND_LOOK)
  refresh_credits();
#endif
  if
  :: fits
  :: !fits -> d_step { doorbells[PRODUCER] > 0; doorbells[PRODUCER]-- }
  fi;
  store(PRODUCER, SPACE_WAIT_WORD, wait_word(epoch, 0), PLAIN)
}

proctype Producer() {
  byte next = 0, position, credited, epoch, seen, rung, bytes;
  do
  :: next < RECORDS ->
     if
     :: bytes = 1
     :: bytes = RECORD_MAX
     fi;
     do
     :: refresh_credits();
        if
        :: fits -> break
        :: else -> wait_for_room()
        fi
     od;
     position = position + bytes;
     assert(position - released <= RING);
     store(PRODUCER, next, bytes, SEQ_CST);  // SYNC [ring.commit] [ring.park] release
     next++;
     bytes = 0;
     load_seq_cst(PRODUCER, WAIT_WORD, seen);  // SYNC [ring.park] acquire
     if
     :: wait_word_asleep(seen) && seen != rung -> rung = seen; ring_doorbell(CONSUMER)
     :: else
     fi;
     seen = 0
  :: else -> break
  od
}

/* ---- consumer ---- */

inline publish_position() {
  published = position;
  store(CONSUMER, POSITION, position, POSITION_ORDER)  // SYNC [ring.space] [ring.space_park] release
}

/* Consumer::release() */
inline release() {
  position = position + bytes;
#ifdef PUBLISHED_BEFORE_READ
  published = position;
  store(CONSUMER, POSITION, position, POSITION_ORDER);
  released = position;
#else
  released = position;
  if
  :: position - published >= CREDIT_STEP -> publish_position()
  :: else
  fi;
#endif
  bytes = 0
}

/* Consumer::peer_waits_for_space() and ring_doorbell() */
inline test_space_doorbell() {
#ifdef DOORBELL_TEST_BEFORE_CREDITS
  load_in_doorbell_test(CONSUMER, SPACE_WAIT_WORD, seen);
#endif
#ifndef CREDITS_NOT_PUBLISHED
  if
  :: position != published -> publish_position()
  :: else
  fi;
#endif
#ifndef DOORBELL_TEST_BEFORE_CREDITS
  load_in_doorbell_test(CONSUMER, SPACE_WAIT_WORD, seen);  // SYNC [ring.space_park] acquire
#endif
  if
#ifdef RUNG_ONCE_AND_FOR_ALL
  :: wait_word_asleep(seen) && rung == 0 -> rung = seen; ring_doorbell(PRODUCER)
#else
  :: wait_word_asleep(seen) && seen != rung -> rung = seen; ring_doorbell(PRODUCER)
#endif
  :: else
  fi;
  seen = 0
}

inline take_records() {
  do
  :: taken < RECORDS ->
     load(CONSUMER, taken, bytes);  // SYNC [ring.commit] acquire
     if
     :: bytes != 0 ->
        taken++;
        release();
        if
        :: true
        :: break  /* a turn's budget is spent: io/detail/channel_receive.cpp take_records() */
        fi
     :: else -> break
     fi
  :: else -> break
  od
}

proctype Consumer() {
  byte taken, bytes, position, published, epoch, seen, rung, found;
  do
  :: take_records();
#ifndef PRODUCER_IS_NOT_RUNG
#ifndef CREDITS_PUBLISHED_AFTER_PARKING
     test_space_doorbell();
#endif
#endif
     if
     :: taken == RECORDS -> break
     :: else
     fi;
     epoch++;
     store(CONSUMER, WAIT_WORD, wait_word(epoch, 1), SEQ_CST);  // SYNC [ring.park] release
     load_seq_cst(CONSUMER, taken, found);  // SYNC [ring.park] acquire
     if
     :: found == 0 -> d_step { doorbells[CONSUMER] > 0; doorbells[CONSUMER]-- }
     :: else
     fi;
     found = 0;
#ifdef CREDITS_PUBLISHED_AFTER_PARKING
     test_space_doorbell();
#endif
     store(CONSUMER, WAIT_WORD, wait_word(epoch, 0), PLAIN)
  od
}

init {
  atomic {
    run Producer();
    run Consumer();
    run Drain(PRODUCER);
    run Drain(CONSUMER)
  }
}
