#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that one module knows the revisions of MCP.

What a revision allows, needs and forbids stands in protocol/mcp/revision.hpp. A revision spelled
anywhere else in the product is a decision that the table does not know of: outside protocol/mcp/ no
string literal may hold a date in the form of a revision.
"""
import re

from checklib import CPP, LAYERS, files_under, finish, read, root_from_arguments

OWNER = ("protocol", "mcp")
# Comments name revisions and may; a raw string counts as code and so does an ordinary one.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<mark>\w*)\((?:.*?)\)(?P=mark)"|"(?:\\.|[^"\\\n])*"', re.S)
REVISION = re.compile(r"20\d\d-\d\d-\d\d")


def main():
    root, _ = root_from_arguments(__doc__)
    problems = []
    files = [file for file in files_under(root, LAYERS, CPP) if file.parts[:2] != OWNER]
    for file in files:
        text = read(root, file)
        for token in TOKEN.finditer(text):
            if token.group(0).startswith("/"):
                continue
            for match in REVISION.finditer(token.group(0)):
                number = text.count("\n", 0, token.start() + match.start()) + 1
                problems.append(f"{file}:{number}: {match.group(0)} is spelled here: "
                                "ask protocol/mcp/revision.hpp")
    finish("check_revisions", problems, f"{len(files)} files")


main()
