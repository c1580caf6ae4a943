#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that includes follow the direction of the layers.

 - a folder includes only the folders that MAY_USE names for it
 - `<folder>/detail/` is included only from `<folder>/` and from tests/<folder>, bench/<folder>
 - a quoted include is a path from the repository root to a file that exists
 - headers do not include each other in a cycle
 - a library's headers are included only where scripts/library_headers.txt says, with a reason,
   and never by a public header
"""
import re

from checklib import CPP, LAYERS, AllowList, files_under, finish, read, root_from_arguments, without_comments

# Everything may use itself, protocol/ (without protocol/json) and telemetry/ where not said otherwise.
BASE = {"protocol", "telemetry"}
MAY_USE = {
    "protocol": set(),
    "telemetry": {"protocol/base"},
    "ring": BASE,
    "io": BASE | {"protocol/json", "ring"},
    "pool": BASE | {"protocol/json", "ring", "io"},
    # Takes callables that return task<Result<..>>: testable without a socket, so never pool/.
    "parallel": BASE | {"protocol/json", "io"},
    # Linked by programs that want neither simdjson nor io_uring.
    "client": BASE | {"ring"},
    "daemon": BASE | {"protocol/json", "ring", "io", "pool", "parallel"},
    "tools": BASE | set(LAYERS) | {"protocol/json"},
    # The command line tool starts in under a millisecond because it links no shared library: of
    # daemon/ only the configuration, of io/ only the one source that knows neither loop nor JSON.
    "tools/mcpwire": BASE | {"ring", "client", "daemon/config", "io/system_file_system.hpp"},
}
LIBRARIES = [
    ("liburing", r"liburing(\.h|/)"), ("simdjson", r"simdjson"), ("nlohmann", r"nlohmann/"),
    ("CLI11", r"CLI/"), ("spdlog", r"(spdlog|fmt)/"), ("boost", r"boost/"), ("mimalloc", r"mimalloc"),
    ("curl", r"curl/"), ("openssl", r"openssl/"), ("prometheus", r"prometheus/"), ("tomlplusplus", r"toml"),
    ("nats", r"nats/"), ("gtest", r"g(test|mock)/"), ("benchmark", r"benchmark/"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def includes_of(text):
    """(line number, is quoted, path) of each include. Comments are blanked, so that what is
    commented out does not count; the paths are read from the untouched text."""
    lines = text.splitlines()
    for number, code in enumerate(without_comments(text).splitlines(), 1):
        if re.match(r"\s*#\s*include\b", code):
            match = INCLUDE.match(lines[number - 1])
            if match:
                yield number, match.group(1) == '"', match.group(2)


def allowed_for(file):
    parts = file.parts
    for depth in range(len(parts) - 1, 0, -1):
        rule = MAY_USE.get("/".join(parts[:depth]))
        if rule is not None:
            return rule
    return None


def layer_problem(file, target):
    """What is wrong with `file` including `target`; None if nothing is."""
    folder, to = file.parts[0], target.split("/")
    if "detail" in to[1:-1]:
        owner = to[0]
        # Parsers of foreign bytes are private, and fuzz targets go straight at them.
        mine = folder == owner or file.parts[:2] in (("tests", owner), ("bench", owner), ("tests", "fuzz"))
        if not mine:
            return f"{target} is private to {owner}/"
    allowed = allowed_for(file)
    if allowed is None or to[0] == folder or to[0] not in LAYERS:
        return None
    if to[:2] == ["protocol", "json"] and "protocol/json" not in allowed:
        return f"{folder}/ must not know JSON (protocol/json)"
    prefixes = {"/".join(to[:depth]) for depth in range(1, len(to) + 1)}
    if not prefixes & allowed:
        return f"{folder}/ may not use {to[0]}/"
    return None


def cycles(graph):
    """One line for each include that closes a cycle."""
    found, done, path = [], set(), []

    def visit(node):
        if node in path:
            found.append(" -> ".join(path[path.index(node):] + [node]))
            return
        if node in done:
            return
        path.append(node)
        for following in graph.get(node, ()):
            visit(following)
        path.pop()
        done.add(node)

    for node in sorted(graph):
        visit(node)
    return found


def library_problem(file, target, allow_list):
    library = next((name for name, pattern in LIBRARIES if re.match(pattern, target)), None)
    if library is None or file.parts[0] not in LAYERS:
        return None
    if file.suffix != ".cpp" and "detail" not in file.parts:
        return f"<{target}>: library headers belong into one .cpp or a detail/ header"
    if not allow_list.allows(file, library):
        return f"<{target}>: not listed for this file in scripts/library_headers.txt"
    return None


def main():
    root, _ = root_from_arguments(__doc__)
    allow_list = AllowList(root, "scripts/library_headers.txt")
    problems, graph = allow_list.problems, {}
    files = files_under(root, LAYERS + ["tests", "bench"], CPP)
    for file in files:
        graph[str(file)] = []
        for number, quoted, target in includes_of(read(root, file)):
            problem = library_problem(file, target, allow_list)
            if quoted and not problem:
                if (root / target).is_file():
                    graph[str(file)].append(target)
                    problem = layer_problem(file, target)
                else:
                    problem = f'"{target}" does not exist: includes start at the repository root'
            if problem:
                problems.append(f"{file}:{number}: {problem}")
    problems += [f"include cycle: {cycle}" for cycle in cycles(graph)]
    finish("check_layers", problems + allow_list.stale(), f"{len(files)} files")


main()
