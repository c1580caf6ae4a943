#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the rows of PERF.md: every contender of a row in turn, round after round, the first one
twice per round (A/A: what differs between those two is noise). Prints Markdown tables; figures are
medians over the rounds with the smallest and largest in brackets. JSON goes to build/perf.

usage: scripts/perf.py [--bin build/release/bin] [--rounds 7] [--quick] [ROW ...]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def latency(*arguments):
    return ["mcp-bench", "latency", "--json", *arguments]


def throughput(*arguments):
    return ["mcp-bench", "throughput", "--json", *arguments]


def transfer(*arguments):
    return ["mcp-bench", "transfer", "--json", *arguments]


def crowd(scale, clients, *arguments):
    return ["mcp-bench", "crowd", "--json", "--clients", str(clients),
            "--milliseconds", str(max(2000 // scale, 100)), *arguments]


def crowd_rows(scale):
    """Who may spin: as the daemon says, as each likes, nobody. And one client beside a flood."""
    spinning = {f"crowd-{clients}": [
        (f"{clients} clients, leave to spin", crowd(scale, clients)),
        (f"{clients} clients, all spin", crowd(scale, clients, "--ignore-leave")),
        (f"{clients} clients, none spins", crowd(scale, clients, "--spin", "0"))]
        for clients in (1, 2, 4, 16)}
    calling = {f"crowd-call-{clients}": [
        (f"{clients} clients call, leave to spin", crowd(scale, clients, "--method", "call")),
        (f"{clients} clients call, all spin", crowd(scale, clients, "--method", "call", "--ignore-leave")),
        (f"{clients} clients call, none spins", crowd(scale, clients, "--method", "call", "--spin", "0"))]
        for clients in (2, 16)}
    return spinning | calling | {"flood": [
        ("one client", crowd(scale, 1)),
        ("one client beside a flood", crowd(scale, 1, "--floods", "1")),
        ("one sleeping client", crowd(scale, 1, "--spin", "0")),
        ("one sleeping client beside a flood", crowd(scale, 1, "--spin", "0", "--floods", "1"))]}


def rows(scale, echo_socket, configuration):
    """Row name -> contenders in order: (name, command). `scale` divides the iterations."""
    def count(number):
        return ["--iterations", str(max(number // scale, 3))]

    call = ["--method", "call", *count(20000)]
    gap_ms = ["--method", "call", "--gap", "1000000", *count(1000)]
    gap_s = ["--method", "call", "--gap", "1000000000", *count(5)]
    blob = ["--method", "blob", "--payload", str(1 << 20), *count(500)]
    direct = latency("--path", "direct")
    daemon = latency("--path", "daemon")
    return {
        "ring": [("ring, two processes spinning", latency("--path", "ring", "--method", "ping", *count(40000)))],
        "ping": [("daemon ping", daemon + ["--method", "ping", *count(50000)]),
                 ("daemon ping, socket only",
                  daemon + ["--method", "ping", "--socket-only", *count(20000)])],
        "call": [("daemon call", daemon + call),
                 ("direct, unpinned", direct + call),
                 ("direct, one core", direct + ["--pin", "0,0,0"] + call),
                 ("direct, two cores", direct + ["--pin", "0,0,1"] + call)],
        "call-gap-1ms": [("daemon call", daemon + gap_ms),
                         ("direct, unpinned", direct + gap_ms),
                         ("direct, one core", direct + ["--pin", "0,0,0"] + gap_ms),
                         ("direct, two cores", direct + ["--pin", "0,0,1"] + gap_ms)],
        "call-gap-1s": [("daemon call", daemon + gap_s),
                        ("direct, unpinned", direct + gap_s),
                        ("direct, one core", direct + ["--pin", "0,0,0"] + gap_s),
                        ("direct, two cores", direct + ["--pin", "0,0,1"] + gap_s)],
        "http-call": [("daemon call over HTTP", daemon + ["--transport", "http"] + call),
                      ("direct: one curl handle", direct + ["--transport", "http"] + call)],
        "cli": [("mcpwire call demo/echo",
                 ["mcp-bench", "process", "--json", *count(300), "--", "mcpwire", "-c",
                  configuration, "call", "demo/echo", '{"message":"hi"}']),
                ("C program: connect, echo, exit",
                 ["mcp-bench", "process", "--json", *count(300), "--", "connect_echo",
                  echo_socket])],
        "throughput": [("64 pings in flight", throughput(*count(2_000_000))),
                       ("open loop, 500,000 /s", throughput("--rate", "500000", *count(1_000_000)))],
        "gaps": [("nobody asks, nobody answers, 500,000 /s",
                  ["mcp-bench", "gaps", "--json", "--rate", "500000", *count(1_000_000)])],
        "start": [("first call, daemon", ["mcp-bench", "start", "--json"]),
                  ("posix_spawn, handshake, call", ["mcp-bench", "start", "--path", "direct", "--json"])],
        "relay-1": [("64 calls in flight to one server",
                     throughput("--method", "call", *count(200_000)))],
        "relay-16": [("16 clients to 16 servers",
                      crowd(scale, 16, "--method", "call", "--servers", "16"))],
        "large": [("1 MiB in the daemon, slab", transfer(*count(2000))),
                  ("1 MiB in the daemon, socket", transfer("--socket-only", *count(2000)))],
        "large-from-server": [("1 MiB of a server, daemon", daemon + blob),
                              ("1 MiB of a server, direct", direct + blob)],
        **crowd_rows(scale),
    }


def run(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"perf: {' '.join(command)} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measure(contenders, rounds, environment):
    """Name -> list of results, one per round. The first contender runs twice as its own control."""
    control = (contenders[0][0] + " (again: A/A)", contenders[0][1])
    results = {}
    for _ in range(rounds):
        for name, command in [*contenders, control]:
            results.setdefault(name, []).append(run(command, environment))
    return results


# Further figures of some commands, with the unit that a table gives them.
FURTHER = {"per_daemon_second": ("thousands per second of daemon CPU", 1000),
           "per_wall_second": ("thousands /s", 1000),
           "clients_cpu": ("processors, clients", 1), "daemon_cpu": ("daemon", 1), "servers_cpu": ("servers", 1),
           "loop_lag_p50_ns": ("loop lag p50 us", 1000), "loop_lag_p99_ns": ("p99", 1000),
           "loop_lag_max_ns": ("max", 1000), "system_calls_per_call": ("system calls per call", 1),
           "floods_per_second": ("thousands of floods /s", 1000)}


def cell(results, key, unit=1000):
    if any(key not in result for result in results):
        return "-"
    values = sorted(result[key] / unit for result in results)
    return f"{statistics.median(values):.2f} [{values[0]:.2f}-{values[-1]:.2f}]"


def print_table(row, results):
    print(f"\n#### {row}\n")
    first = next(iter(results.values()))[0]
    further = {"per_second": ("thousands /s", 1000)} if "floods" in first else {}
    further |= {key: column for key, column in FURTHER.items() if key in first}
    titles = ["contender", "n", "p50 us", "p99 us", "p99.9 us", "max us",
              *(title for title, _ in further.values())]
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for name, runs in results.items():
        columns = [cell(runs, key) for key in ("p50_ns", "p99_ns", "p999_ns", "max_ns")]
        columns += [cell(runs, key, unit) for key, (_, unit) in further.items()]
        cells = " | ".join(columns)
        print(f"| {name} | {len(runs)} x {runs[0]['n']} | {cells} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the iterations")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    options = parser.parse_args()
    programs = pathlib.Path(options.bin).resolve()
    load = os.getloadavg()[0]
    print(f"load {load:.2f}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, rounds {options.rounds}")
    if load > 0.5:
        print("the machine is not quiet: expect wide brackets")
    with tempfile.TemporaryDirectory(prefix="mcpwire-perf.") as scratch:
        environment = dict(os.environ, MCPWIRE_RUNTIME_DIR=scratch + "/run")
        environment["PATH"] = f"{programs}:{programs.parent / 'bench'}:{os.environ['PATH']}"
        configuration = scratch + "/servers.json"
        pathlib.Path(configuration).write_text(json.dumps(
            {"mcpServers": {"demo": {"command": str(programs / "mcpwire-demo-server")}}}))
        os.chmod(configuration, 0o600)
        echo_socket = scratch + "/echo.sock"
        echo = subprocess.Popen(["connect_echo", "serve", echo_socket], env=environment,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        echo.stdout.readline()
        try:
            table = rows(20 if options.quick else 1, echo_socket, configuration)
            wanted = options.rows or list(table)
            all_results = {}
            for row in wanted:
                all_results[row] = measure(table[row], options.rounds, environment)
                print_table(row, all_results[row])
        finally:
            echo.stdin.close()
            echo.wait()
            subprocess.run(["mcpwire", "daemon", "stop"], env=environment, capture_output=True)
    out = ROOT / "build/perf"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{time.strftime('%Y%m%d-%H%M%S')}.json").write_text(json.dumps(all_results, indent=1))


if __name__ == "__main__":
    main()
