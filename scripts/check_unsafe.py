#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that what the compiler cannot check stays in few files.

Casts between unrelated types, memory mappings, raw system calls and raw foreign interfaces occur
only in the files of scripts/unsafe_allowlist.txt, each with a reason. An entry whose file no longer
does it is a problem too.
"""
import re

from checklib import CPP, LAYERS, AllowList, files_under, finish, read, root_from_arguments, without_comments

UNSAFE = {
    "reinterpret_cast": r"\breinterpret_cast\b",
    "const_cast": r"\bconst_cast\b",
    "mmap": r"\bm(?:un|re)?map\s*\(",
    "syscall": r"\bsyscall\s*\(",
    "extern-c": r'\bextern\s*""',  # string contents are blanked
    "dlopen": r"\bdl(?:open|sym)\s*\(",
    "asm": r"\b(?:asm|__asm__)\b",
    "fork": r"(?<![\w.>])v?fork\s*\(",
}


def main():
    root, _ = root_from_arguments(__doc__)
    allow_list = AllowList(root, "scripts/unsafe_allowlist.txt")
    problems = allow_list.problems
    files = files_under(root, LAYERS, CPP)
    for file in files:
        code = without_comments(read(root, file))
        for what, pattern in UNSAFE.items():
            found = re.search(pattern, code)
            if found and not allow_list.allows(file, what):
                number = code.count("\n", 0, found.start()) + 1
                problems.append(f"{file}:{number}: {what} is not allowed here (scripts/unsafe_allowlist.txt)")
    finish("check_unsafe", problems + allow_list.stale(), f"{len(files)} files")


main()
