// SPDX-License-Identifier: MIT
//
// Memory that several processes share, each behind a store buffer of its own. Plain Promela is
// sequentially consistent: a model without this would never miss a fence.
//
//   default   TSO (x86): a store waits in a FIFO; a seq_cst store drains it (xchg)
//   -DWEAK    stores may leave the buffer out of order, as C++ allows: a plain store overtakes any
//             store to another word, a release store waits for all stores before it, a seq_cst
//             store is a release store for which the seq_cst loads behind it wait
//
// Both: a load looks into the buffer of its own process first, and loads happen in program order
// (what that leaves out: README.md). The file that includes this one defines WORDS, PROCESSES and
// DEPTH, and starts one Drain(p) for each process p.

#define PLAIN 0    /* not atomic, or memory_order_relaxed */
#define RELEASE 1  /* memory_order_release */
#define SEQ_CST 2  /* memory_order_seq_cst */

typedef Buffer {
  byte count;
  byte ordered;  /* seq_cst stores among the entries */
  byte word[DEPTH];
  byte value[DEPTH];
  byte order[DEPTH]
};

byte memory[WORDS];
Buffer buffer[PROCESSES];
hidden byte at;  /* scratch of one indivisible step */

#define has_room(p) (buffer[p].count < DEPTH)
#define is_drained(p) (buffer[p].count == 0)

inline put(p, w, v, o) {
  buffer[p].word[buffer[p].count] = w;
  buffer[p].value[buffer[p].count] = v;
  buffer[p].order[buffer[p].count] = o;
  buffer[p].count++
}

#ifdef WEAK
/* A store that finds the buffer full waits, so reordering reaches DEPTH stores far. */
#define store(p, w, v, o)                                                     \
  if                                                                          \
  :: d_step { (o) != SEQ_CST && has_room(p); put(p, w, v, o) }                \
  :: d_step {                                                                 \
       (o) == SEQ_CST && has_room(p); put(p, w, v, o); buffer[p].ordered++    \
     }                                                                        \
  fi
#define may_load_seq_cst(p) (buffer[p].ordered == 0)
#else
/* The order of a TSO store decides only whether it drains. DEPTH never holds a process back. */
#define store(p, w, v, o)                                                     \
  if                                                                          \
  :: d_step { (o) != SEQ_CST; assert(has_room(p)); put(p, w, v, PLAIN) }      \
  :: d_step { (o) == SEQ_CST && is_drained(p); memory[w] = v }                \
  fi
#define may_load_seq_cst(p) (true)
#endif

inline look_up(p, w, result) {
  result = memory[w];
  at = 0;
  do
  :: at < buffer[p].count ->
     if
     :: buffer[p].word[at] == (w) -> result = buffer[p].value[at]
     :: else
     fi;
     at++
  :: else -> break
  od;
  at = 0
}

/* Acquire or relaxed: loads stay in order here. (Spin wants no jump into a d_step, so each is an
   alternative of its own.) */
#define load(p, w, result)                                                    \
  if                                                                          \
  :: d_step { look_up(p, w, result) }                                         \
  fi
#define load_seq_cst(p, w, result)                                            \
  if                                                                          \
  :: d_step { may_load_seq_cst(p); look_up(p, w, result) }                    \
  fi

/* Entry i of the buffer becomes visible, the later ones move up. */
inline drain_entry(p, i) {
  memory[buffer[p].word[i]] = buffer[p].value[i];
  if
  :: buffer[p].order[i] == SEQ_CST -> buffer[p].ordered--
  :: else
  fi;
  at = i;
  do
  :: at + 1 < buffer[p].count ->
     buffer[p].word[at] = buffer[p].word[at + 1];
     buffer[p].value[at] = buffer[p].value[at + 1];
     buffer[p].order[at] = buffer[p].order[at + 1];
     at++
  :: else -> break
  od;
  buffer[p].count--;
  buffer[p].word[buffer[p].count] = 0;
  buffer[p].value[buffer[p].count] = 0;
  buffer[p].order[buffer[p].count] = 0;
  at = 0
}

/* Entry i may overtake those before it: it is plain, and none of them is of the same word. */
#define other(p, i, j) (buffer[p].word[i] != buffer[p].word[j])
#define overtakes(p, i) (buffer[p].count > i && buffer[p].order[i] == PLAIN)

proctype Drain(byte p) {
end:
  do
  :: d_step { buffer[p].count > 0; drain_entry(p, 0) }
#ifdef WEAK
  :: d_step { overtakes(p, 1) && other(p, 1, 0); drain_entry(p, 1) }
#if DEPTH > 2
  :: d_step { overtakes(p, 2) && other(p, 2, 0) && other(p, 2, 1); drain_entry(p, 2) }
#endif
#if DEPTH > 3
  :: d_step {
       overtakes(p, 3) && other(p, 3, 0) && other(p, 3, 1) && other(p, 3, 2);
       drain_entry(p, 3)
     }
#endif
#if DEPTH > 4
  :: d_step {
       overtakes(p, 4) && other(p, 4, 0) && other(p, 4, 1) && other(p, 4, 2) && other(p, 4, 3);
       drain_entry(p, 4)
     }
#endif
#if DEPTH > 5
  :: d_step {
       overtakes(p, 5) && other(p, 5, 0) && other(p, 5, 1) && other(p, 5, 2) && other(p, 5, 3) &&
           other(p, 5, 4);
       drain_entry(p, 5)
     }
#endif
#if DEPTH > 6
#error "Drain() has no step for entries beyond 5"
#endif
#endif
  od
}
