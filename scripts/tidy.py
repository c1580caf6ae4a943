#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs clang-tidy-19 on the files that changed, in parallel, for a bounded time.

Looks at what differs from --base (default: the previous commit) and at what is not committed. A
changed header is looked at through the source of the same name, else through one source that
includes it. Without a base, or with --all, every source of the project is checked.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from checklib import LAYERS

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/tidy"
FOLDERS = tuple(folder + "/" for folder in LAYERS + ["tests", "bench"])


def git(*arguments):
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else None


def changed_files(base):
    """Changed files relative to the root; None where git or the base is missing."""
    committed = git("diff", "--name-only", "--diff-filter=d", base)
    untracked = git("ls-files", "--others", "--exclude-standard")
    return None if committed is None else committed + (untracked or [])


def sources_for(changed, sources):
    """The sources (relative paths) through which the changed files are seen."""
    wanted = set()
    for name in changed:
        if name in sources:
            wanted.add(name)
        elif name.endswith(".hpp") and name.startswith(FOLDERS):
            own = name[:-4] + ".cpp"
            includes = (s for s in sorted(sources) if f'#include "{name}"' in (ROOT / s).read_text(encoding="utf-8"))
            through = own if own in sources else next(includes, None)
            if through:
                wanted.add(through)
    return wanted


def tidy(source):
    done = subprocess.run(["clang-tidy-19", "-p", BUILD, "--quiet", source], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    findings = [line for line in done.stdout.splitlines() if re.search(r": (?:error|warning): ", line)]
    if done.returncode != 0 and not findings:
        findings = [f"{source}: clang-tidy failed: {(done.stderr or done.stdout).strip()[-400:]}"]
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every source of the project")
    parser.add_argument("--base", default="HEAD~1", help="commit to compare with")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--minutes", type=float, default=12, help="what was not reached by then is a failure")
    args = parser.parse_args()

    subprocess.run(["cmake", "--preset", "tidy"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    commands = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    sources = {os.path.relpath(entry["file"], ROOT) for entry in commands}
    sources = {source for source in sources if source.startswith(FOLDERS)}
    changed = None if args.all else changed_files(args.base)
    if changed is None or ".clang-tidy" in changed:
        wanted = sources
    else:
        wanted = sources_for(changed, sources)

    # The product first: where time runs out, tests are what is left.
    order = sorted(wanted, key=lambda name: (name.startswith(("tests/", "bench/")), name))
    end, findings, reached = time.monotonic() + 60 * args.minutes, {}, 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for result in pool.map(lambda s: tidy(s) if time.monotonic() < end else None, order):
            reached += result is not None
            findings.update(dict.fromkeys(result or []))
    for line in findings:
        print(line.replace(str(ROOT) + "/", ""))
    print(f"tidy: {len(findings)} findings, {reached} of {len(order)} files checked")
    is_short = reached < len(order)
    if is_short:
        print(f"tidy: {args.minutes} minutes were not enough; the rest was not checked")
    # A clone without history has nothing to compare with: there, as much as time allows is checked.
    sys.exit(1 if findings or (is_short and (changed is not None or args.all)) else 0)


main()
