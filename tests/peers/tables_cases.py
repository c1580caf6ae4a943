#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cases of scripts/peers_tables.py: what counts as lost, and what does not."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import peers_tables  # noqa: E402


def row(contender, part, values, waiting="sleeps", question="round trips"):
    key = "messages_per_s" if question == "stream" else "p50_ns"
    return {"question": question, "placement": "pinned", "payload_bytes": 32, "contender": contender,
            "waiting": waiting, "part": part, "failure": "", key: values, "p99_ns": values, "cpu_ns": values,
            "n": 3, "p999_ns": 1, "max_ns": 1}


def lost(rows):
    return [line for cell, some in peers_tables.cells(rows).items() for line in peers_tables.losses(cell, some)]


class LossesTest(unittest.TestCase):
    ring = [row("ring", "mcpwire", [100, 110, 120]), row("again", "control", [102, 112, 118])]

    def test_a_faster_peer_is_named(self):
        lines = lost(self.ring + [row("futex", "peer", [70, 80, 90])])
        self.assertEqual(len(lines), 1)
        self.assertIn("futex (sleeps) 0.08", lines[0])

    def test_overlapping_rounds_and_slower_peers_are_no_loss(self):
        self.assertEqual(lost(self.ring + [row("futex", "peer", [70, 80, 101])]), [])
        self.assertEqual(lost(self.ring + [row("futex", "peer", [200, 210, 220])]), [])

    def test_a_difference_below_the_control_is_no_loss(self):
        rows = [self.ring[0], row("again", "control", [150, 160, 170]), row("futex", "peer", [80, 90, 95])]
        self.assertEqual(lost(rows), [])

    def test_waiting_is_compared_with_like_waiting_and_limits_not_at_all(self):
        self.assertEqual(lost(self.ring + [row("queue", "peer", [1, 1, 1], waiting="spins")]), [])
        self.assertEqual(lost(self.ring + [row("bare", "limit", [1, 1, 1])]), [])

    def test_a_ring_that_spins_is_compared_with_those_that_spin(self):
        ring = [dict(r, waiting="spins") for r in self.ring]
        self.assertEqual(lost(ring + [row("pipe", "peer", [1, 1, 1])]), [])
        self.assertEqual(len(lost(ring + [row("queue", "peer", [1, 1, 1], waiting="spins")])), 1)

    def test_more_messages_per_second_are_better(self):
        ring = [row("ring", "mcpwire", [5e6], question="stream"), row("again", "control", [5e6], question="stream")]
        self.assertEqual(len(lost(ring + [row("queue", "peer", [9e6], question="stream")])), 1)
        self.assertEqual(lost(ring + [row("queue", "peer", [2e6], question="stream")]), [])

    def test_a_peer_that_failed_is_shown_as_failed(self):
        failed = dict(row("gRPC", "peer", []), failure="one end ended by signal 9")
        self.assertEqual(lost(self.ring + [failed]), [])
        text = "\n".join(peers_tables.details(("round trips", "pinned", 32), self.ring + [failed]))
        self.assertIn("failed: one end ended by signal 9", text)


if __name__ == "__main__":
    unittest.main()
