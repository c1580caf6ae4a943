#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks documents and what files say about the world outside.

 - every layer that is built has a README.md of at most 40 lines
 - every decision record is listed in docs/adr/README.md
 - relative links in *.md lead to something, with their #heading
 - no file names the host of a package registry, and a package-lock.json holds no addresses
 - no source holds a word that marks something unfinished; no test sleeps for a fixed time
"""
import re

from checklib import CPP, LAYERS, files_under, finish, read, root_from_arguments

README_LINES_MAX = 40
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Written in two parts so that this file does not name them.
HOSTS = re.compile(r"|".join(a + re.escape(b) for a, b in [
    ("npmjs", ".org"), ("npmjs", ".com"), ("pypi", ".org"), ("pythonhosted", ".org"), ("crates", ".io"),
    ("deb.debian", ".org"), ("proxy.golang", ".org"), ("rubygems", ".org"), ("ghcr", ".io"), ("docker", ".io")]))
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
SLEEP = re.compile(r"\bthis_thread::sleep_\w+\s*\(|\b(?:usleep|nanosleep)\s*\(|(?<![\w.>])sleep\s*\(\s*\d")


def headings(text):
    """Anchors of a document's headings, as they are made from them by the usual rule."""
    titles = re.findall(r"^#+\s+(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def link_problems(root, file):
    text = re.sub(r"^```.*?^```|`[^`\n]*`", lambda m: "\n" * m.group(0).count("\n"), read(root, file), flags=re.M | re.S)
    for match in LINK.finditer(text):
        target, _, anchor = match.group(1).partition("#")
        if re.match(r"\w+:", match.group(1)):
            continue
        number = text.count("\n", 0, match.start()) + 1
        path = (root / file).parent / target if target else root / file
        if not path.exists():
            yield f"{file}:{number}: link to {target}, which does not exist"
        elif anchor and path.suffix == ".md" and anchor not in headings(path.read_text(encoding="utf-8")):
            yield f"{file}:{number}: {path.name} has no heading #{anchor}"


def content_problems(root, file):
    try:
        text = (root / file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # a corpus input or picture
    for number, line in enumerate(text.splitlines(), 1):
        if HOSTS.search(line):
            yield f"{file}:{number}: names the host of a registry"
        if file.name == "package-lock.json" and '"resolved"' in line:
            yield f"{file}:{number}: holds an address (.npmrc: omit-lockfile-registry-resolved=true)"
        if file.suffix in CPP + (".py", ".sh", ".cmake") and UNFINISHED.search(line):
            yield f"{file}:{number}: marks something unfinished"
        if file.parts[0] in ("tests", "bench") and file.suffix in CPP and SLEEP.search(line):
            yield f"{file}:{number}: sleeps for a fixed time: wait for the event or use virtual time"


def main():
    root, _ = root_from_arguments(__doc__)
    problems = []
    files = files_under(root)
    for folder in LAYERS:
        if (root / folder / "CMakeLists.txt").exists() and not (root / folder / "README.md").exists():
            problems.append(f"{folder}/: no README.md")
    index = read(root, "docs/adr/README.md") if (root / "docs/adr/README.md").exists() else ""
    problems += [f"docs/adr/README.md: does not list {file.name}" for file in files
                 if file.parts[:2] == ("docs", "adr") and file.name != "README.md" and f"({file.name})" not in index]
    for file in files:
        if file.name == "README.md" and file.parts[0] in LAYERS:
            lines = len(read(root, file).splitlines())
            if lines > README_LINES_MAX:
                problems.append(f"{file}: {lines} lines, allowed {README_LINES_MAX}")
        if file.suffix == ".md":
            problems += link_problems(root, file)
        problems += content_problems(root, file)
    finish("check_docs", problems, f"{len(files)} files")


main()
