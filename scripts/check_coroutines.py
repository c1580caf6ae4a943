#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the parameters of coroutines: nothing that may refer to a temporary.

A task is lazy: it first runs when it is awaited, perhaps long after the full expression that made
it. A plain reference (`Loop&`) cannot bind to a temporary and names something that outlives the
task; `const T&`, `T&&` and views (string_view, span, ByteSpan, TextSpan) can, so a function that
returns task<..> takes values instead. Where such a parameter is right, its line says why:
`// outlives: the caller awaits in the same expression`.
"""
import re

from checklib import CPP, LAYERS, files_under, finish, read, root_from_arguments, without_comments

TASK = re.compile(r"(?<![\w:])(?:mcpwire::)?(?:io::)?task<")
FUNCTION = re.compile(r"\s+((?:\w+(?:<[^<>()]*>)?::)*\w+)\(")
VIEW = re.compile(r"\b(?:string_view|ByteSpan|span\s*<)")


def closing(text, start, pair):
    """Position of the bracket that closes the one at `start`; the text's end if none does."""
    depth = 0
    for position in range(start, len(text)):
        depth += {pair[0]: 1, pair[1]: -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text)


def parameters(text, start):
    """(position, parameter) of each parameter of the list whose bracket stands at `start`."""
    end, depth, begin = closing(text, start, "()"), 0, start + 1
    for position in range(start + 1, end + 1):
        depth += {"<": 1, "(": 1, "[": 1, ">": -1, ")": -1, "]": -1}.get(text[position:position + 1], 0)
        if position == end or (text[position] == "," and depth == 0):
            yield begin, text[begin:position].strip()
            begin = position + 1


def may_dangle(parameter):
    outer = parameter
    while re.search(r"<[^<>]*>", outer):
        outer = re.sub(r"<[^<>]*>", "", outer)
    return "&&" in outer or (re.search(r"\bconst\b", outer) and "&" in outer) or bool(VIEW.match(
        re.sub(r"^(?:const\s+|std::|mcpwire::)+", "", parameter)))


def main():
    root, _ = root_from_arguments(__doc__)
    problems, seen = [], 0
    files = files_under(root, LAYERS, CPP)
    for file in files:
        text = read(root, file)
        code, lines = without_comments(text), text.splitlines()
        for task in TASK.finditer(code):
            function = FUNCTION.match(code, closing(code, task.end() - 1, "<>") + 1)
            if not function or "::" in function.group(1):
                continue  # a member's parameters are explained at its declaration
            seen += 1
            for position, parameter in parameters(code, function.end() - 1):
                skipped = len(code[position:]) - len(code[position:].lstrip())
                number = code.count("\n", 0, position + skipped) + 1
                if parameter and may_dangle(parameter) and "outlives:" not in lines[number - 1]:
                    problems.append(f"{file}:{number}: task {function.group(1)}: `{' '.join(parameter.split())}` may "
                                    "refer to a temporary: take a value, or say `// outlives: why`")
    finish("check_coroutines", problems, f"{seen} declarations in {len(files)} files")


main()
