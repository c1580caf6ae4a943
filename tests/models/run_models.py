#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the Spin models of the shared-memory protocols: right ones must be verified, weakened ones caught.

usage: run_models.py [--compiler CC] [--soak] [NAME...]   all of them without a NAME
       run_models.py --list                               the names, for CTest

Verified: the whole state space was searched without an error, and every process can come to its end.
Caught: the checker found the kind of error that is named here; any other counts as a failure.
Exit: 0; 1 a model went wrong; 77 Spin is not installed (1 with MCPWIRE_REQUIRE_MODELS=1).
"""
import argparse
import dataclasses
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
DEPTH_MAX = 1_000_000
MEMORY_MIB_MAX = 6000

# What the checker says of the error that a weakened variant is to show.
STUCK = "invalid end state"
LIE = "assertion violated  !((sent[call]&&told_not_sent[call]))"
NO_ANSWER = "assertion violated (answer==1)"
TORN = "assertion violated ((what/8)==expected)"
PARTIAL = "assertion violated (memory[(position%6)]!=0)"
FALSE_RECORD = "assertion violated (memory[(position%6)]==0)"
OVERWRITTEN = "assertion violated ((position-released)<=4)"

SENT_WRONGLY = "assertion violated (position==(pushed-1))"
SENT_TWICE = "assertion violated (truly_taken==position)"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    model: str
    defines: tuple
    errors: tuple = ()  # One of them is to be found; none: to be verified.
    is_soak: bool = False


def caught(model, name, defines, *errors):
    return Case(f"{name}IsCaught", model, tuple(defines.split()), errors)


CASES = [
    Case("CommitShowsWholeRecords", "commit", ()),
    Case("CommitShowsWholeRecordsOnWeakerMachine", "commit", ("WEAK", "TAKEN_BACK=0")),
    Case("CommitSurvivesAbortsOnWeakerMachine", "commit", ("WEAK", "RECORDS=2")),
    Case("CommitShowsMoreRecordsOnWeakerMachine", "commit", ("WEAK",), is_soak=True),
    caught("commit", "CommitWithoutRelease", "COMMIT_RELAXED WEAK TAKEN_BACK=0", TORN),
    caught("commit", "CommitBeforePayload", "COMMIT_BEFORE_PAYLOAD", TORN),
    caught("commit", "NextCommitWordNotZeroed", "NOT_ZEROED", TORN, FALSE_RECORD),
    caught("commit", "NextCommitWordZeroedAfterCommit", "ZEROED_AFTER_COMMIT", TORN, FALSE_RECORD),
    caught("commit", "NoZeroAfterShorterCommit", "NOT_ZEROED_AFTER_SHORTER_COMMIT", TORN, FALSE_RECORD),
    caught("commit", "ZeroBelievedAfterAbort", "ZEROED_IS_KEPT_AFTER_ABORT", TORN, FALSE_RECORD),
    caught("commit", "ZeroAheadWithoutRoom", "ZEROED_AHEAD_WITHOUT_ROOM", STUCK),
    caught("commit", "RingWithoutSlackGranule", "NO_SLACK_GRANULE", STUCK),
    caught("commit", "PadBeforeItsRecord", "PAD_FIRST", PARTIAL, TORN),
    caught("commit", "BatchWithFirstRecordFirst", "BATCH_FIRST_FIRST", PARTIAL, TORN),
    caught("commit", "PositionStoredBeforeReading", "RELEASED_BEFORE_READ", TORN,
           "assertion violated ((memory[(6+((position+1)%6))]/8)==expected)",
           "assertion violated (memory[(6+(position%6))]==what)"),

    Case("ParkLosesNoWakeUp", "park", ()),
    Case("ParkLosesNoWakeUpOnWeakerMachine", "park", ("WEAK",)),
    Case("ParkOfTheDaemonLosesNoWakeUp", "park", ("DAEMON",)),
    Case("ParkOfTheDaemonLosesNoWakeUpOnWeakerMachine", "park", ("DAEMON", "WEAK")),
    Case("ParkLosesNoWakeUpInMoreRounds", "park", ("DAEMON", "WEAK", "RECORDS=5", "OTHER_WAKES=2"), is_soak=True),
    caught("park", "ParkWithoutFenceAfterCommit", "COMMIT_WITH_RELEASE", STUCK),
    caught("park", "ParkWithoutFenceAfterWaitWord", "WAIT_WORD_WITH_RELEASE", STUCK),
    caught("park", "ParkWithDoorbellTestThatOvertakes", "DOORBELL_TEST_WITH_ACQUIRE WEAK", STUCK),
    caught("park", "ParkWithSecondLookThatOvertakes", "SECOND_LOOK_WITH_ACQUIRE WEAK", STUCK),
    caught("park", "ParkWithoutSecondLook", "NO_SECOND_LOOK", STUCK),
    caught("park", "ParkThatLooksBeforeItAnnounces", "LOOK_BEFORE_ANNOUNCING", STUCK),
    caught("park", "DoorbellTestBeforeCommit", "DOORBELL_TEST_BEFORE_COMMIT", STUCK),
    caught("park", "DoorbellThatIsNotQueued", "DOORBELL_IS_NOT_QUEUED", STUCK),
    caught("park", "DoorbellRungOnceAndForAll", "RUNG_ONCE_AND_FOR_ALL", STUCK),
    caught("park", "WaitWordWithoutEpoch", "EPOCH_DOES_NOT_CHANGE", STUCK),
    caught("park", "ColdChannelThatDidNotAnnounce", "COLD_WITHOUT_ANNOUNCING DAEMON", STUCK),

    Case("SpaceLosesNoWakeUp", "space", ()),
    Case("SpaceLosesNoWakeUpOnWeakerMachine", "space", ("WEAK", "RECORDS=3")),
    Case("SpaceLosesNoWakeUpInMoreRounds", "space", ("WEAK",), is_soak=True),
    caught("space", "SpaceWithoutFenceAfterPosition", "POSITION_WITH_RELEASE", STUCK),
    caught("space", "SpaceWithoutFenceAfterWaitWord", "SPACE_WAIT_WORD_WITH_RELEASE", STUCK),
    caught("space", "SpaceWithDoorbellTestThatOvertakes", "DOORBELL_TEST_WITH_ACQUIRE WEAK", STUCK),
    caught("space", "SpaceWithSecondLookThatOvertakes", "CREDITS_WITH_ACQUIRE WEAK", STUCK),
    caught("space", "SpaceWithoutSecondLook", "NO_SECOND_LOOK", STUCK),
    caught("space", "SpaceThatLooksBeforeItAnnounces", "LOOK_BEFORE_ANNOUNCING", STUCK),
    caught("space", "CreditsNotPublishedBeforeParking", "CREDITS_NOT_PUBLISHED", STUCK),
    caught("space", "CreditsPublishedAfterParking", "CREDITS_PUBLISHED_AFTER_PARKING", STUCK),
    caught("space", "CreditsPublishedAfterDoorbellTest", "DOORBELL_TEST_BEFORE_CREDITS", STUCK),
    caught("space", "ProducerThatIsNotRung", "PRODUCER_IS_NOT_RUNG", STUCK),
    caught("space", "ProducerRungOnceAndForAll", "RUNG_ONCE_AND_FOR_ALL", STUCK),
    caught("space", "PositionPublishedBeforeReading", "PUBLISHED_BEFORE_READ", OVERWRITTEN),

    Case("BothDirectionsFullDoNotDeadlock", "full", ()),
    Case("BothDirectionsFullDoNotDeadlockOnWeakerMachine", "full", ("WEAK",), is_soak=True),
    caught("full", "ClientThatTakesNothingWhileItWaitsForRoom", "CLIENT_WAITS_FOR_ROOM_ONLY", STUCK),
    caught("full", "ClientThatDoesNotRingForRoom", "CLIENT_DOES_NOT_RING_FOR_ROOM", STUCK),
    caught("full", "DaemonThatDoesNotWaitForRoom", "DAEMON_DOES_NOT_WAIT_FOR_ROOM", STUCK),
    caught("full", "DaemonThatCoolsWithAnswersKept", "DAEMON_COOLS_WITH_ANSWERS_KEPT", STUCK),

    Case("RetireLosesNoRecordAndTakesNoneTwice", "retire", ()),
    Case("RetireLosesNoRecordAndTakesNoneTwiceOnWeakerMachine", "retire", ("WEAK",)),
    caught("retire", "RetireWithoutFenceAfterCommit", "COMMIT_WITH_RELEASE", STUCK, SENT_WRONGLY),
    caught("retire", "RetireWithoutFenceAfterRetiring", "RETIRING_WITH_RELEASE", STUCK, SENT_WRONGLY),
    caught("retire", "RetiringTakenForAwake", "RETIRING_TAKEN_FOR_AWAKE", STUCK, SENT_WRONGLY),
    caught("retire", "RetireWithoutRetiring", "RETIRES_WITHOUT_RETIRING", STUCK, SENT_WRONGLY),
    caught("retire", "RetireWithoutSecondLook", "RETIRES_WITHOUT_SECOND_LOOK", STUCK, SENT_WRONGLY),
    caught("retire", "PositionPublishedAfterRetiring", "POSITION_AFTER_RETIRED", SENT_TWICE),

    Case("RevokeTellsNoLie", "revoke", ()),
    Case("RevokeTellsNoLieOnWeakerMachine", "revoke", ("WEAK",)),
    caught("revoke", "SendingWithoutFence", "SENDING_WITH_RELEASE", LIE),
    caught("revoke", "RevokedWithoutFence", "REVOKED_WITH_RELEASE", LIE),
    caught("revoke", "RevokedLoadThatOvertakes", "REVOKED_LOADED_WITH_ACQUIRE WEAK", LIE),
    caught("revoke", "StateLoadThatOvertakes", "STATE_LOADED_WITH_ACQUIRE WEAK", LIE),
    caught("revoke", "RevokedLoadedBeforeSending", "REVOKED_LOADED_BEFORE_SENDING", LIE),
    caught("revoke", "StateLoadedBeforeRevoked", "STATE_LOADED_BEFORE_REVOKED", LIE),
    caught("revoke", "SendingNotStored", "SENDING_NOT_STORED", LIE),
    caught("revoke", "RevokedNotLookedAt", "REVOKED_NOT_LOOKED_AT", LIE),
    caught("revoke", "CallGivenUpWithoutRevoking", "NOT_REVOKED", LIE),
    caught("revoke", "DoneBeforeTheAnswer", "DONE_BEFORE_THE_ANSWER", NO_ANSWER),
    caught("revoke", "SlotReusedAfterGivingUp", "SLOT_REUSED_AFTER_GIVING_UP", LIE),
]


def build(case, folder, compiler):
    """A checker for one variant. spin finds what it includes by the preprocessor's own -I."""
    preprocess = f"-P{compiler} -E -x c -I{HERE}"
    defines = [f"-D{define}" for define in case.defines]
    commands = [
        ["spin", preprocess, "-a", *defines, str(HERE / f"{case.model}.pml")],
        # What finds its error at once is compiled as fast as can be.
        [compiler, "-O0" if case.errors else "-O2", "-w", "-DSAFETY", f"-DMEMLIM={MEMORY_MIB_MAX}",
         "-DVECTORSZ=2048", "-o", "pan", "pan.c"],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        # spin's exit code is 0 after some syntax errors.
        if done.returncode != 0 or "Error:" in done.stdout + done.stderr:
            return f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return ""


def verification_problem(output):
    """Why this output of a checker is no verification; "" if it is one."""
    if not re.search(r"errors: 0$", output, re.M):
        return "an error was found"
    if not re.search(r"^Full statespace search", output, re.M):
        return "not a search of the full state space"
    for truncation in ("max search depth too small", "Search not completed", "out of memory", "memory limit",
                       "hash-compact", "Bit statespace"):
        if truncation in output:
            return f"the search is not exhaustive: {truncation}"
    # A process that nobody ever saw end was stuck by the model itself, and nothing was shown.
    for match in re.finditer(r"^unreached in proctype (\w+)\n((?:\t.*\n)*)", output, re.M):
        if match.group(1) != "Drain" and "-end-" in match.group(2):
            return f"{match.group(1)} never comes to its end"
    return ""


def run(case, compiler):
    """True if the case went as it must."""
    with tempfile.TemporaryDirectory(prefix="mcpwire-models-") as folder:
        problem = build(case, folder, compiler)
        if problem:
            print(f"{case.name}: cannot be built: {problem}")
            return False
        done = subprocess.run(["./pan", f"-m{DEPTH_MAX}", "-w24"], cwd=folder, capture_output=True, text=True,
                              check=False)
        output = done.stdout + done.stderr
        states = re.search(r"(\d+) states, stored", output)
        seen = f"{states.group(1) if states else '?'} states"
        if case.errors:
            if any(error in output for error in case.errors):
                error = next(error for error in case.errors if error in output)
                print(f"{case.name}: caught after {seen}: {error}")
                return True
            problem = "was not caught: none of " + "; ".join(case.errors)
        else:
            problem = verification_problem(output)
            if not problem:
                print(f"{case.name}: verified, {seen}, all of them")
                return True
        print(f"{case.name}: {problem} (-D {' -D '.join(case.defines)})\n{output}")
        if (pathlib.Path(folder) / f"{case.model}.pml.trail").exists():
            trail = subprocess.run(["./pan", "-r", "-n"], cwd=folder, capture_output=True, text=True, check=False)
            print("the last steps:\n" + "\n".join(trail.stdout.splitlines()[-80:]))
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="clang-19")
    parser.add_argument("--soak", action="store_true", help="only the larger bounds, which CTest leaves out")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    cases = [case for case in CASES if case.is_soak == arguments.soak]
    if arguments.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not shutil.which("spin"):
        print("the models cannot be checked: spin is not installed (scripts/setup.sh installs it)")
        return 1 if os.environ.get("MCPWIRE_REQUIRE_MODELS") == "1" else SKIPPED
    unknown = set(arguments.names) - {case.name for case in CASES}
    if unknown:
        print(f"no such model: {', '.join(sorted(unknown))}")
        return 1
    if arguments.names:
        cases = [case for case in CASES if case.name in arguments.names]
    failed = [case.name for case in cases if not run(case, arguments.compiler)]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"models: {len(cases)} run, {len(failed)} wrong, {used.ru_utime + used.ru_stime:.0f} s of CPU time")
    return 1 if failed else 0


sys.exit(main())
