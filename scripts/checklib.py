# SPDX-License-Identifier: MIT
"""What the check_*.py scripts share: finding files, reading allow-lists, reporting.

A check prints one line per problem (`path:line: what is wrong and what to do`) and exits 1 when
there is any. Every check takes --root, so that tests/style can show that it fails on bad input.
"""
import argparse
import fnmatch
import os
import pathlib
import re
import sys

# Order is the direction of dependency: a folder uses only what stands before it.
LAYERS = ["protocol", "telemetry", "ring", "io", "pool", "parallel", "client", "daemon", "tools"]
CPP = (".cpp", ".hpp", ".h", ".c")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", ".cache"}


def root_from_arguments(doc, more=None):
    """Parses --root (default: the repository) and what `more(parser)` adds; gives (root, args)."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    if more:
        more(parser)
    args = parser.parse_args()
    return args.root.resolve(), args


def files_under(root, folders=("",), suffixes=None):
    """Paths relative to `root`, sorted, of all files in `folders` that end in one of `suffixes`."""
    found = []
    for folder in folders:
        for where, folder_names, names in os.walk(root / folder):
            folder_names[:] = [n for n in folder_names if n not in SKIPPED_FOLDERS]
            for name in names:
                if suffixes is None or name.endswith(tuple(suffixes)):
                    found.append(pathlib.Path(where, name).relative_to(root))
    return sorted(set(found))


def read(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


def without_comments(text):
    """The text with comments and string contents blanked; line numbers stay as they are."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)

    def blank(match):
        kept = match.group(0)
        if kept.startswith('"'):
            return '""'
        return "\n" * kept.count("\n")

    return token.sub(blank, text)


class AllowList:
    """Lines `path glob | what, what | reason`; `#` starts a comment. Unused parts are problems."""

    def __init__(self, root, path):
        self.path = path
        self.problems = []
        self.entries = []  # (line number, glob, {what: used})
        if not (root / path).exists():
            return
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            parts = [part.strip() for part in line.split("|")]
            if len(parts) != 3 or not all(parts):
                self.problems.append(f"{path}:{number}: want `path | what | reason`")
                continue
            self.entries.append((number, parts[0], {w.strip(): False for w in parts[1].split(",")}))

    def allows(self, file, what):
        allowed = False
        for _, glob, uses in self.entries:
            if what in uses and fnmatch.fnmatch(str(file), glob):
                uses[what] = allowed = True
        return allowed

    def stale(self):
        return [f"{self.path}:{number}: stale, {glob} does not use {what}: remove it"
                for number, glob, uses in self.entries for what, used in uses.items() if not used]


def finish(name, problems, checked):
    """Prints the problems and ends the program. `checked` says what a clean run has looked at."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problems, {checked}")
    sys.exit(1 if problems else 0)
