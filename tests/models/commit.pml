// SPDX-License-Identifier: MIT
//
// [ring.commit], [ring.space]: how a record becomes visible in its own commit word, and how its
// place is used again: pad at the wrap, pre-zeroed next commit word, batches, abort, a commit that
// is shorter than its reservation. ring/spsc_producer.cpp, Consumer::peek() and release().
//
// The ring is a real one in small: 6 granules, records of one or two, credits after each.
// It starts near its end in the worst state that earlier laps can leave: only the next commit word
// is zero, every other holds payload bytes that look like the commit word expected there.
//
// Checked: the consumer reads every record that stays, once, in order, whole; never one that was
// taken back; of a batch all or none; and it is not left waiting (an invalid end state).

#ifndef RECORDS
#define RECORDS 3   /* that stay */
#endif
#ifndef TAKEN_BACK
#define TAKEN_BACK 1  /* times a reservation or a batch is taken back */
#endif
#define RING 6
#define START (RING - 1)

/* The consumer's only store is its position, after which it loads nothing that depends on it: it
   needs no buffer here (space.pml has one). */
#define PRODUCER 0
#define PROCESSES 1
#ifndef DEPTH
#ifdef WEAK
#define DEPTH 5
#else
#define DEPTH 24
#endif
#endif

#define commit_word_at(position) ((position) % RING)
#define content_at(position) (RING + (position) % RING)
#define POSITION (2 * RING)
#define WORDS (2 * RING + 1)
#include "machine.pml"

/* Never zero, different in each lap. */
#define lap_tag(position) ((position) + 1)
/* What a header and a payload say: which record, its size or PAD, whether its batch goes on. */
#define PAD 3
#define content(number, size, batch_goes_on) ((number) * 8 + (batch_goes_on) * 4 + (size))
#define GIVEN_UP 30

#ifdef COMMIT_RELAXED
#define COMMIT_ORDER PLAIN
#else
#define COMMIT_ORDER SEQ_CST
#endif

/* ---- producer ---- */

#ifdef NO_SLACK_GRANULE
#define SLACK 0
#else
#define SLACK 1
#endif
#define fits(total) (position + (total) + SLACK - credited <= RING)
#define pad_before(size) (((position % RING) + (size) > RING) -> RING - position % RING : 0)

/* Producer::try_reserve(): waits until there is room; a batch that does not fit is ended first. */
inline reserve(size) {
  pad = pad_before(size);
  do
  :: fits(pad + size) -> break
  :: else ->
     if
     :: batch_has_records -> commit_batch()
     :: else
     fi;
     /* As long as there is none, looking again changes nothing. */
     d_step {
       position + pad + size + SLACK - memory[POSITION] <= RING;
       credited = memory[POSITION]  // SYNC [ring.space] acquire
     }
  od;
  reserved = size
}

/* The caller writes its payload: over the commit words inside the record, too, and it may look
   like one that this place is going to hold one lap later. */
inline fill(number, size, goes_on) {
  store(PRODUCER, content_at(position + pad), content(number, size, goes_on), PLAIN);
  if
  :: reserved == 2 ->
     store(PRODUCER, commit_word_at(position + pad + 1), lap_tag(position + pad + 1), PLAIN);
     store(PRODUCER, content_at(position + pad + 1), content(number, 0, 0), PLAIN)
  :: else
  fi
}

inline zero(where) { store(PRODUCER, commit_word_at(where), 0, PLAIN) }

inline commit_batch() {
  // SYNC [ring.commit] release
  store(PRODUCER, commit_word_at(batch_start), lap_tag(batch_start), COMMIT_ORDER);
  batch_has_records = false
}

/* Producer::publish() */
inline publish() {
#ifdef PAD_FIRST
  if
  :: !in_batch || batch_has_records ->
     store(PRODUCER, commit_word_at(position), lap_tag(position), COMMIT_ORDER)
  :: else
  fi;
#endif
  if
  :: pad != 0 ->  // SYNC [ring.commit] release
     store(PRODUCER, commit_word_at(position + pad), lap_tag(position + pad), RELEASE)
  :: else
  fi;
#ifndef PAD_FIRST
  if
#ifndef BATCH_FIRST_FIRST
  :: in_batch && !batch_has_records -> batch_has_records = true; batch_start = position
#else
  :: in_batch && !batch_has_records ->
     batch_has_records = true;
     batch_start = position;
     store(PRODUCER, commit_word_at(position), lap_tag(position), COMMIT_ORDER)
#endif
  :: else ->  // SYNC [ring.commit] [ring.park] release
     store(PRODUCER, commit_word_at(position), lap_tag(position), COMMIT_ORDER)
  fi
#else
  if
  :: in_batch && !batch_has_records -> batch_has_records = true; batch_start = position
  :: else
  fi
#endif
}

/* Producer::commit() */
inline commit(number, size, goes_on) {
#ifdef COMMIT_BEFORE_PAYLOAD
  store(PRODUCER, commit_word_at(position + pad), lap_tag(position + pad), RELEASE);
  fill(number, size, goes_on);
#endif
  if
  :: pad != 0 -> store(PRODUCER, content_at(position), content(0, PAD, 0), PLAIN)
  :: else
  fi;
  end = position + pad + size;
#ifndef NOT_ZEROED
#ifndef ZEROED_AFTER_COMMIT
  if
#ifdef NOT_ZEROED_AFTER_SHORTER_COMMIT
  :: end != zeroed -> zero(end)
#else
  :: end != zeroed || reserved != size -> zero(end)
#endif
  :: else
  fi;
#endif
#endif
  publish();
#ifdef ZEROED_AFTER_COMMIT
  zero(end);
#endif
  position = end;
  /* prepare_next() */
#ifndef ZEROED_AHEAD_WITHOUT_ROOM
  if
  :: end + size + 1 - credited <= RING -> zeroed = end + size
  :: else -> zeroed = 0
  fi;
#else
  zeroed = end + size;
#endif
#ifndef NOT_ZEROED
  if
  :: zeroed != 0 -> zero(zeroed)
  :: else
  fi;
#endif
  end = 0;
  pad = 0;
  reserved = 0
}

inline take_back() {
#ifndef ZEROED_IS_KEPT_AFTER_ABORT
  zeroed = 0;
#endif
  reserved = 0;
  pad = 0
}

inline choose(variable) {
  if
  :: variable = 1
  :: variable = 2
  fi
}

proctype Producer() {
  byte position = START, credited = START, zeroed, batch_start, next = 1;
  byte pad, reserved, end, wanted, size, left = TAKEN_BACK, position_before;
  bool in_batch, batch_has_records, batch_goes_on;
  do
  :: next <= RECORDS ->
     if
     :: /* one record */
        choose(wanted);
        reserve(wanted);
        if
        :: wanted == 2 -> choose(size)
        :: else -> size = 1
        fi;
#ifndef COMMIT_BEFORE_PAYLOAD
        fill(next, size, 0);
#endif
        commit(next, size, 0);
        next++
     :: left > 0 -> /* abort() of one */
        left--;
        choose(wanted);
        reserve(wanted);
        fill(GIVEN_UP, wanted, 0);
        take_back()
     :: next < RECORDS -> /* a batch of two; two batches if there is no room for one */
        in_batch = true;
        choose(wanted);
        reserve(wanted);
        /* With room for the largest record and a pad behind it, the batch stays one. */
        batch_goes_on = fits(pad + wanted + 3);
        fill(next, wanted, batch_goes_on);
        commit(next, wanted, batch_goes_on);
        batch_goes_on = false;
        next++;
        choose(wanted);
        reserve(wanted);
        fill(next, wanted, 0);
        commit(next, wanted, 0);
        next++;
        commit_batch();
        in_batch = false
     :: left > 0 -> /* abort_batch() of one or two */
        left--;
        in_batch = true;
        position_before = position;
        choose(wanted);
        reserve(wanted);
        fill(GIVEN_UP, wanted, 0);
        commit(GIVEN_UP, wanted, 0);
        if
        :: fits(3) ->
           choose(wanted);
           reserve(wanted);
           fill(GIVEN_UP, wanted, 0);
           commit(GIVEN_UP, wanted, 0)
        :: true
        fi;
        in_batch = false;
        batch_has_records = false;
        position = position_before;
        position_before = 0;
        take_back()
     fi;
     wanted = 0;
     size = 0
  :: else -> break
  od
}

/* ---- consumer ---- */

proctype Consumer() {
  byte position = START, expected = 1, tag, what;
  bool must_be_there;
  do
  :: expected <= RECORDS ->
     if
     :: must_be_there -> assert(memory[commit_word_at(position)] != 0)
     :: else
     fi;
     d_step {
       memory[commit_word_at(position)] != 0;
       tag = memory[commit_word_at(position)]  // SYNC [ring.commit] acquire
     };
     assert(tag == lap_tag(position));
     what = memory[content_at(position)];
     if
     :: what % 4 == PAD ->
        position = position + RING - position % RING;
        must_be_there = true
     :: else ->
        assert(what / 8 == expected);
#ifdef RELEASED_BEFORE_READ
        memory[POSITION] = position + what % 4;
#endif
        if
        :: what % 4 == 2 -> assert(memory[content_at(position + 1)] / 8 == expected)
        :: else
        fi;
        assert(memory[content_at(position)] == what);
        must_be_there = (what % 8 >= 4);
        position = position + what % 4;
        memory[POSITION] = position;  // SYNC [ring.space] release
        expected++
     fi;
     tag = 0;
     what = 0
  :: else -> break
  od;
  assert(memory[commit_word_at(position)] == 0)
}

init {
  atomic {
    byte p = START + 1;
    do
    :: p < START + RING -> memory[commit_word_at(p)] = lap_tag(p); p++
    :: else -> break
    od;
    p = 0;
    memory[POSITION] = START;
    run Producer();
    run Consumer();
    run Drain(PRODUCER)
  }
}
