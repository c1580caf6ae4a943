#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every message that mcpwire sends to the schema of its revision.

usage: check_outgoing.py SCHEMAS RECORDER [ARGUMENT...]

Runs RECORDER (tests/io/programs/record_conversations.cpp), which prints `<revision> > <message>` for
what we sent and `<revision> < <message>` for what a server did. A request or notification must be a
member of the union that the schema lists for clients and match its definition; an answer must be a
JSON-RPC response whose result matches the definition of what was asked. Messages that are wrong on
purpose show each time that the check can fail.
"""
import collections
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed (scripts/setup.sh)")
    sys.exit(77)

# Of extensions: their schemas are not the core's. Only the form of the message is checked.
EXTENSION_METHODS = {"tasks/get", "tasks/update", "tasks/cancel", "skills/list", "skills/get",
                     "resources/directory/read"}
RESULTS = {"sampling/createMessage": "CreateMessageResult", "elicitation/create": "ElicitResult",
           "roots/list": "ListRootsResult", "ping": "EmptyResult"}


class Schema:
    """One revision's definitions."""

    def __init__(self, path):
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.key = "$defs" if "$defs" in self.document else "definitions"
        self.types = self.document[self.key]
        self.validators = {}

    def problems(self, name, value):
        """What is wrong with `value` as a `name`."""
        if name not in self.validators:
            reference = {"$schema": self.document["$schema"], "$ref": f"#/{self.key}/{name}",
                         self.key: self.types}
            self.validators[name] = jsonschema.validators.validator_for(reference)(reference)
        for error in self.validators[name].iter_errors(value):
            yield f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"

    def union(self, name):
        """{method: definition} of the union's members; a union of one is that one."""
        union = self.types[name]
        names = [member["$ref"].rsplit("/", 1)[1] for member in union.get("anyOf", [])] or [name]
        return {self.types[n]["properties"]["method"]["const"]: n for n in names}

    def first_of(self, *names):
        return next(name for name in names if name in self.types)


def call_problems(schema, revision, message):
    method = message["method"]
    is_request = "id" in message
    if is_request and method in EXTENSION_METHODS and method not in schema.union("ClientRequest"):
        yield from schema.problems("JSONRPCRequest", message)
        yield from schema.problems("RequestMetaObject", message["params"]["_meta"])
        return
    known = schema.union("ClientRequest" if is_request else "ClientNotification")
    if method not in known:
        yield f"a client of {revision} may not send {method}"
        return
    yield from schema.problems("JSONRPCRequest" if is_request else "JSONRPCNotification", message)
    yield from schema.problems(known[method], message)


def answer_problems(schema, asked, message):
    if "error" in message:
        yield from schema.problems(schema.first_of("JSONRPCErrorResponse", "JSONRPCError"), message)
        return
    yield from schema.problems(schema.first_of("JSONRPCResultResponse", "JSONRPCResponse"), message)
    method = asked.get(json.dumps(message.get("id")))
    # Before elicitation was part of MCP a server may ask for it all the same, and is told no.
    if RESULTS.get(method) in schema.types:
        yield from schema.problems(RESULTS[method], message["result"])
    elif method not in RESULTS:
        yield f"an answer to {message.get('id')!r}, which nobody asked"


def check(schemas, lines):
    """Problems, and how many messages of which kind were seen in each revision."""
    problems, seen, asked = [], collections.Counter(), {}
    for line in lines:
        revision, direction, text = line.split(" ", 2)
        message, schema = json.loads(text), schemas[revision]
        if direction == "<":
            if "method" in message and "id" in message:
                asked[json.dumps(message["id"])] = message["method"]
            continue
        is_call = "method" in message
        seen[revision, message["method"] if is_call else "answer"] += 1
        found = call_problems(schema, revision, message) if is_call else answer_problems(schema, asked, message)
        problems += [f"{revision} {text}\n    {problem}" for problem in found]
        if "\n" in text or "\r" in text:
            problems.append(f"{revision} {text!r}: not one line")
    return problems, seen


def missing(schemas, seen):
    """What a revision lets a client send and this conversation did not."""
    for revision, schema in schemas.items():
        for method in {**schema.union("ClientRequest"), **schema.union("ClientNotification")}:
            # We report no progress to servers, have no roots that change and no tasks of our own.
            if method in ("notifications/progress", "notifications/roots/list_changed", "notifications/tasks/status"):
                continue
            if not seen[revision, method]:
                yield f"{revision}: no {method} was sent"


def self_test(schemas):
    """Messages that are wrong in one way each."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    wrong = [
        ("2026-07-28", {"id": 1, "method": "tools/list", "params": {}}),
        ("2026-07-28", {"id": 1, "method": "tools/list", "params": {"_meta": {**meta, "progressToken": []}}}),
        ("2026-07-28", {"id": 1, "method": "ping", "params": {"_meta": meta}}),
        ("2026-07-28", {"id": 1, "method": "tools/call", "params": {"_meta": meta}}),
        ("2025-11-25", {"id": None, "method": "tools/list"}),
        ("2025-11-25", {"id": 1, "method": "server/discover"}),
        ("2025-06-18", {"id": 1, "method": "tasks/list"}),
        ("2025-03-26", {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}}),
        ("2024-11-05", {"method": "notifications/cancelled", "params": {}}),
        ("2024-11-05", {"id": 9, "result": {}}),
        ("2025-11-25", {"id": 1, "error": {"code": "x", "message": "y"}}),
    ]
    return [f"passes: {revision} {message}" for revision, message in wrong
            if not check(schemas, [f"{revision} > " + json.dumps({"jsonrpc": "2.0", **message})])[0]]


def main():
    folder = pathlib.Path(sys.argv[1])
    schemas = {path.stem: Schema(path) for path in sorted(folder.glob("*.json"))}
    recorded = subprocess.run(sys.argv[2:], capture_output=True, text=True, check=True).stdout
    problems, seen = check(schemas, recorded.splitlines())
    problems += missing(schemas, seen)
    problems += self_test(schemas)
    for problem in problems:
        print(problem)
    for revision in schemas:
        kinds = {kind: count for (of, kind), count in seen.items() if of == revision}
        print(f"{revision}: {sum(kinds.values())} messages of {len(kinds)} kinds")
    sys.exit(1 if problems else 0)


main()
