# SPDX-License-Identifier: MIT
"""The tables of bench/peers/RESULTS.md out of the results of a run (scripts/peers.py)."""
import statistics

# Above this share of processor time used by others the figures are not to be quoted.
QUIET_PERCENT_MAX = 3.0
QUESTIONS = {
    "round trips": "Round trips, back to back",
    "round trips with gap": "Round trips, the caller busy for 100 us before each",
    "stream": "Streams, one way",
}


def rounded(value):
    """Three significant digits, no exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def spread(values):
    """Median over the rounds, smallest and largest in brackets."""
    return f"{rounded(statistics.median(values))} [{rounded(min(values))}-{rounded(max(values))}]"


def us(values):
    return [value / 1000 for value in values]


def millions(row):
    return [value / 1e6 for value in row["messages_per_s"]]


def figure(row):
    """What a row is compared by, smaller is better: its rounds' p50, or seconds per message."""
    if "p50_ns" in row:
        return row["p50_ns"]
    return [1e9 / value for value in row["messages_per_s"] if value > 0] or [float("inf")]


def name(row):
    return f"{row['contender']} ({row['waiting']})"


def cells(rows):
    """(question, placement, bytes) -> rows, in the order of the run."""
    found = {}
    for row in rows:
        found.setdefault((row["question"], row["placement"], row["payload_bytes"]), []).append(row)
    return found


def title(cell):
    return f"{cell[0]}, {cell[1]}, {cell[2]} bytes"


def shown(row):
    """A row's figure with its unit."""
    if "p50_ns" in row:
        return spread(us(row["p50_ns"])) + " us"
    return spread(millions(row)) + " M/s"


def measured(rows, part=None, waiting=None):
    return [row for row in rows if not row["failure"] and part in (None, row["part"])
            and waiting in (None, row["waiting"])]


def losses(cell, rows):
    """One line for each of mcpwire's ways of waiting that some peer beats beyond the noise.

    The noise is what the ring differs from itself (A/A). A peer is better if its median is better
    by more than that and its worst round is better than the ring's best one.
    """
    for waiting, rivals in (("spins", "spins"), ("sleeps", "sleeps"),
                            ("spins 50 us, then sleeps", "sleeps")):
        own = measured(rows, "mcpwire", waiting)
        if not own:
            continue
        ring = min(own, key=lambda row: statistics.median(figure(row)))
        again = [figure(row) for row in measured(rows, "control", waiting) or [ring]]
        noise = abs(statistics.median(figure(ring)) - statistics.median(again[0]))
        best_round = min(figure(ring) + [value for values in again for value in values])
        better = [row for row in measured(rows, "peer", rivals)
                  if statistics.median(figure(row)) < statistics.median(figure(ring)) - noise
                  and max(figure(row)) < best_round]
        if better:
            better.sort(key=lambda row: statistics.median(figure(row)))
            yield (f"- {title(cell)}: {name(ring)} {shown(ring)}; better: "
                   + "; ".join(f"{name(row)} {shown(row)}" for row in better))


def ratio_to_limit(table):
    """p50 of the spinning ring over the bare lines, per cell that has both."""
    for cell, rows in table.items():
        ring = measured(rows, "mcpwire", "spins")
        limit = measured(rows, "limit")
        if ring and limit and cell[1] == "pinned":
            best = min(statistics.median(figure(row)) for row in ring)
            yield f"| {title(cell)} | {best / statistics.median(figure(limit[0])):.2f} |"


def overview(question, table):
    """All sizes of one question and placement beside each other."""
    for placement in ("pinned", "unpinned"):
        here = {cell[2]: rows for cell, rows in table.items() if cell[:2] == (question, placement)}
        if not here:
            continue
        unit = "M messages/s" if question == "stream" else "p50 us"
        yield f"\n**{placement}**, {unit}\n"
        yield "| contender | " + " | ".join(f"{size} B" for size in here) + " |"
        yield "|---|" + "---|" * len(here)
        by_name = {}
        for size, rows in here.items():
            for row in rows:
                text = "failed" if row["failure"] else shown(row).rsplit(" ", 1)[0]
                by_name.setdefault(name(row), {})[size] = text
        for contender, texts in by_name.items():
            yield f"| {contender} | " + " | ".join(texts.get(size, "-") for size in here) + " |"


def details(cell, rows):
    yield f"\n#### {title(cell)}\n"
    if cell[0] == "stream":
        yield "| contender | M messages/s | GB/s | processor ns per message |"
        yield "|---|---|---|---|"
    else:
        yield "| contender | p50 us | p99 us | p99.9 us | max us | n | processor us per trip |"
        yield "|---|---|---|---|---|---|---|"
    good = measured(rows)
    for row in sorted(good, key=lambda row: statistics.median(figure(row))):
        if cell[0] == "stream":
            rate = statistics.median(row["messages_per_s"])
            yield (f"| {name(row)} | {spread(millions(row))} | {rounded(rate * cell[2] / 1e9)} "
                   f"| {rounded(statistics.median(row['cpu_ns']))} |")
        else:
            # With a gap the caller's busy time would be most of it.
            cpu = "-" if "gap" in cell[0] else rounded(statistics.median(us(row["cpu_ns"])))
            yield (f"| {name(row)} | {spread(us(row['p50_ns']))} | {spread(us(row['p99_ns']))} "
                   f"| {rounded(row['p999_ns'] / 1000)} | {rounded(row['max_ns'] / 1000)} | {row['n']} | {cpu} |")
    for row in rows:
        if row["failure"]:
            yield f"| {name(row)} | failed: {row['failure']} |" + " |" * (2 if cell[0] == "stream" else 5)


def head(result):
    yield "# mcpwire's ring and its peers\n"
    yield "Written by `make peers`; what the rows are and how they are measured: [README.md](README.md).\n"
    if result["tiny"]:
        yield "**A run with a few messages: it shows that the harness works, and no figure means anything.**\n"
    elif result["others_percent"] > QUIET_PERCENT_MAX:
        yield (f"**Provisional: other processes used {result['others_percent']} % of the processors during the "
               "run. Not to be quoted.**\n")
    yield "| | |\n|---|---|"
    for key in ("date", "commit", "processor", "kernel", "compiler", "command"):
        yield f"| {key} | {result[key]} |"
    yield f"| rounds, duration | {result['rounds']}, {result['seconds']} s |"
    yield (f"| load | {result['load_before']} before; during the run other processes used {result['others_percent']} % "
           f"and the hypervisor {result['steal_percent']} % of the processors |")
    yield "| packages | " + ", ".join(f"{n} {v}" for n, v in result["packages"].items()) + " |"


def render(result):
    table = cells(result["rows"])
    lines = list(head(result))
    lost = [line for cell, rows in table.items() for line in losses(cell, rows)]
    lines.append("\n## Where mcpwire loses\n")
    lines.append("Spinning rows are compared with spinning ones, sleeping with sleeping ones, and the ring that "
                 "spins for 50 us with those that sleep. What is listed is beyond the ring's difference from "
                 "itself (A/A), and no round of the two overlaps; elsewhere the ring is better or there is no "
                 "difference.\n")
    lines += lost or ["Nowhere in this run."]
    ratios = list(ratio_to_limit(table))
    if ratios:
        lines += ["\n## Distance from the limit\n",
                  "The ring's time (p50, or time per message; the better of its rows) over that of bare cache lines.\n",
                  "| pinned | ratio |", "|---|---|", *ratios]
    for question, heading in QUESTIONS.items():
        part = {cell: rows for cell, rows in table.items() if cell[0] == question}
        if part:
            lines += [f"\n## {heading}", *overview(question, part)]
            for cell, rows in part.items():
                lines += details(cell, rows)
    return "\n".join(lines) + "\n"
