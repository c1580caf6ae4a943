#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures mcpwire's ring beside the transports of other projects and writes the tables.

Runs peers_bench (bench/peers/README.md), notes machine, load and versions, and writes results.json
and RESULTS.md. Exit code 1 if a contender failed or gave wrong bytes.

usage: scripts/peers.py [--program build/peers/bench/peers_bench] [--out bench/peers] [--rounds 5]
                        [--slot-ms 100] [--only TEXT] [--tiny]
"""
import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

from peers_tables import render

ROOT = pathlib.Path(__file__).resolve().parent.parent


def output_of(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def processor_seconds():
    """(busy, stolen by the hypervisor) of the whole machine since it started."""
    fields = pathlib.Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = (int(f) / os.sysconf("SC_CLK_TCK") for f in fields[:8])
    return user + nice + system + irq + softirq, steal


def packages():
    """Package -> version of what takes part; Boost is the product's own dependency."""
    names = [line.split()[0] for line in (ROOT / "scripts/packages_peers.txt").read_text().splitlines()
             if line.strip() and not line.startswith("#")]
    lines = output_of("dpkg-query", "-W", "-f", "${Package} ${Version}\n", "libboost-dev", "libc6", *names)
    return dict(line.split() for line in lines.splitlines())


def compiler():
    """Compiler and flags of the release build, which the build of the peers inherits."""
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    release = next(p for p in presets if p["name"] == "release")["cacheVariables"]
    version = output_of("clang++-19", "--version").split("\n")[0]
    return f"{version}, {release['CMAKE_CXX_FLAGS_RELEASE']}"


def machine():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    changed = output_of("git", "status", "--porcelain", "--", "ring", "protocol", "bench/peers/*.?pp",
                        "bench/peers/contenders")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": output_of("git", "rev-parse", "--short", "HEAD") + (", changed" if changed else ""),
        "processor": f"{model.group(1) if model else 'unknown'}, {os.cpu_count()} processors",
        "kernel": f"Linux {os.uname().release}",
        "compiler": compiler(),
        "packages": packages(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def measure(options):
    command = [options.program, "--rounds", str(options.rounds), "--only", options.only]
    command += ["--tiny"] if options.tiny else ["--slot-ms", str(options.slot_ms)]
    result = machine()
    result["command"] = "scripts/peers.py " + " ".join(
        f"--{key} {value}" for key, value in (("rounds", options.rounds), ("slot-ms", options.slot_ms)))
    result["tiny"] = options.tiny
    start, before = time.monotonic(), processor_seconds()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds, after = time.monotonic() - start, processor_seconds()
    try:
        result.update(json.loads(done.stdout))
    except json.JSONDecodeError:
        sys.exit(f"peers: {options.program} ended with {done.returncode} and without a result")
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    available = seconds * os.cpu_count()
    result["seconds"] = round(seconds)
    result["others_percent"] = round(
        max(0.0, after[0] - before[0] - own.ru_utime - own.ru_stime) / available * 100, 1)
    result["steal_percent"] = round((after[1] - before[1]) / available * 100, 1)
    return result, done.returncode


def to_json(result):
    """One row per line, so that two runs can be compared with diff."""
    head = {key: value for key, value in result.items() if key != "rows"}
    rows = ",\n".join(json.dumps(row) for row in result["rows"])
    return json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n' + rows + "\n]}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/peers/bench/peers_bench"))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/peers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slot-ms", type=int, default=100, help="time of one contender in one round")
    parser.add_argument("--only", default="", help="lanes whose name contains this")
    parser.add_argument("--tiny", action="store_true", help="shows that it works, measures nothing")
    options = parser.parse_args()
    result, code = measure(options)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(to_json(result))
    (options.out / "RESULTS.md").write_text(render(result))
    print(f"{options.out}/RESULTS.md: {len(result['rows'])} rows, {result['seconds']} s, "
          f"others used {result['others_percent']} % of the processors")
    sys.exit(code)


if __name__ == "__main__":
    main()
