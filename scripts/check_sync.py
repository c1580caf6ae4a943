#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that atomic operations name their order and their other end.

 - every atomic operation in ring/, io/, client/, daemon/ names its memory order
 - every acquire and release there carries `// SYNC [name]` on its line or in the comment above it
 - every name occurs at two or more operations, at least one releasing and one acquiring; a
   seq_cst fence is either, unless `SYNC [name] release` says which
 - every name stands as `[name]` in the comment at the top of a file, where the ordering is told
 - every name of ring/ occurs at both its ends in a model (tests/models/*.pml), or stands with its
   reason in scripts/sync_without_model.txt; a model names none that the code does not have

A call that only looks like an atomic one carries `// not atomic` on its line.
"""
import re

from checklib import AllowList, CPP, LAYERS, files_under, finish, read, root_from_arguments, without_comments

CHECKED = ["ring", "io", "client", "daemon"]
SYNC = re.compile(r"SYNC((?:[ ,]*\[[\w.\-]+\])+)(?: (acquire|release)\b)?")
ORDER = re.compile(r"memory_order(?:_|::)(acquire|release|acq_rel|seq_cst)")
# `.load(path)` of something else has an argument; an atomic's load has none or an order.
OPERATION = re.compile(r"(?:\.|->)(load\(\s*\)|(?:store|exchange|fetch_\w+|compare_exchange_\w+|test_and_set)\()")
DECLARED = re.compile(r"\batomic(?:_ref|_flag)?\s*(?:<[^;{}()]*?>)?\s+(\w+)\s*(?:[;{=\[(])")
COMMENT_LINES_ABOVE = 4
STATEMENT_LINES = 3


def leading_comment(text):
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line)
    return lines


def call_text(code, start):
    """The text of a call from `start` (a name before its bracket) to the closing bracket."""
    depth = 0
    for position in range(code.index("(", start), len(code)):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 0:
            return code[start:position + 1]
    return code[start:]


def without_order(file, text):
    """Problems: atomic operations and operators on atomics that leave the order to the default."""
    code, lines = without_comments(text), text.splitlines()
    starts = [(m.start(1), m.group(1)) for m in OPERATION.finditer(code)]
    for name in {m.group(1) for m in DECLARED.finditer(code)}:
        pattern = rf"(?:\+\+|--)\s*{name}\b|(?<![\w.>]){name}\s*(?:\+\+|--|[-+|&^]?=(?!=))"
        starts += [(m.start(), m.group(0)) for m in re.finditer(pattern, code)]
    for start, what in sorted(starts):
        number = code.count("\n", 0, start) + 1
        declaration = re.search(r"\batomic", code[code.rfind("\n", 0, start) + 1:start])
        if "not atomic" in lines[number - 1] or ("(" not in what and declaration):
            continue
        if "(" not in what or not re.search(r"memory_order|\border\b", call_text(code, start)):
            yield f"{file}:{number}: `{what}` names no memory order"


def ends_on(line):
    """(name, role) of each SYNC name on this line; the role is "" where none is written."""
    found = SYNC.search(line)
    return [(name, found.group(2) or "") for name in re.findall(r"\[([\w.\-]+)\]", found.group(1))] if found else []


def ends_near(lines, index):
    """SYNC names of the operation on line `index`: on its statement's lines or in the comment above."""
    for here in range(index, min(len(lines), index + STATEMENT_LINES)):
        if ends_on(lines[here]):
            return ends_on(lines[here])
        if ";" in lines[here].split("//")[0]:
            break
    ends = []
    for above in range(index - 1, max(-1, index - 1 - COMMENT_LINES_ABOVE), -1):
        if ends_on(lines[above]):
            ends += ends_on(lines[above])
        elif ends or (ORDER.search(lines[above].split("//")[0]) and ";" in lines[above]):
            break
    return ends


def pair_problems(name, places, told):
    """What is wrong with one SYNC name. `places`: (where, order, role written beside it or "")."""
    where = f"{places[0][0]}: SYNC [{name}]"
    for kind in ("release", "acquire"):
        if not any(kind == role or (not role and order in (kind, "acq_rel", "seq_cst"))
                   for _, order, role in places):
            yield f"{where} has no {kind} end"
    for place, order, role in places:
        if role and order not in (role, "acq_rel", "seq_cst"):
            yield f"{place}: SYNC [{name}] {role}, but the operation is {order}"
    if len(places) < 2:
        yield f"{where} has only one end"
    if name not in told:
        yield f"{where} is not told in the comment at the top of a file"


def model_problems(root, ends):
    """SYNC names of ring/ that no model has at both ends, and names that only a model has."""
    allowed = AllowList(root, "scripts/sync_without_model.txt")
    models = {}
    for file in files_under(root, ["tests/models"], (".pml",)):
        for number, line in enumerate(read(root, file).splitlines(), 1):
            for name, role in ends_on(line):
                models.setdefault(name, {}).setdefault(role, f"{file}:{number}")
    for name, places in sorted(ends.items()):
        where = next((place for place, _, _ in places if place.startswith("ring/")), None)
        if where is None:
            continue
        for role in ("release", "acquire"):
            file = where.split(":")[0]
            if role not in models.get(name, {}) and not allowed.allows(file, name):
                yield f"{where}: SYNC [{name}] has no {role} end in tests/models/*.pml"
    for name in sorted(set(models) - set(ends)):
        yield f"{next(iter(models[name].values()))}: SYNC [{name}], which the code does not have"
    yield from allowed.problems + allowed.stale()


def main():
    root, _ = root_from_arguments(__doc__)
    problems, ends, told = [], {}, set()
    files = files_under(root, CHECKED, CPP)
    for file in files_under(root, LAYERS, CPP):
        for line in leading_comment(read(root, file)):
            told.update(re.findall(r"\[([\w.\-]+)\]", line))
    for file in files:
        text = read(root, file)
        problems += without_order(file, text)
        lines = text.splitlines()
        for index in range(len(leading_comment(text)), len(lines)):
            orders = ORDER.findall(lines[index].split("//")[0])
            near = ends_near(lines, index) if orders else []
            for order in orders:
                if not near and order != "seq_cst":
                    problems.append(f"{file}:{index + 1}: {order} without `// SYNC [name]`")
                for name, role in near:
                    ends.setdefault(name, []).append((f"{file}:{index + 1}", order, role))
    for name, places in sorted(ends.items()):
        problems += pair_problems(name, places, told)
    if (root / "tests/models").exists():
        problems += model_problems(root, ends)
    finish("check_sync", problems, f"{len(ends)} pairs in {len(files)} files")


main()
