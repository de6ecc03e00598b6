"""Answers in which nothing is of the type that was promised."""

import json
import uuid

from harness.raw_server import END, chunk, sends

DEEP = 900  # more than a C encoder or a recursive function stands, less than a JSON reader
KEYS = [
    *("run_id", "thread_id", "status", "created_at", "values", "log", "next", "tasks"),
    *("interrupts", "value", "token", "checkpoint", "parent_checkpoint", "checkpoint_id"),
    *("metadata", "kwargs", "input", "command", "resume", "__error__", "__interrupt__"),
]
LEAVES = (
    *(None, True, -1.5, 10**30, "", "é\x00\x1b[31m\u2028", "../x?y#z", "success", "error"),
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "x" * 100_000, "x1-1-" * 1000),
)


def junk_of(chance, depth=0):
    """Return any value, often with the keys that are looked for."""
    kind = chance.random()
    if depth > 4 or kind < 0.3:
        return chance.choice(LEAVES)
    if kind < 0.5:
        return [junk_of(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    if kind < 0.52:
        return _deep()
    keys = chance.sample(KEYS, chance.randint(1, 9))
    return {key: junk_of(chance, depth + 1) for key in keys}


def junk_events(chance):
    """Return what answers with a stream of one event that says nothing of use."""
    run_id = chance.choice([str(uuid.uuid4()).encode(), b"../x"])
    head = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\ncontent-location: /runs/%b\r\n\r\n"
    name = chance.choice([b"metadata", b"values", b"\xff\xfe", b"end"])
    mark = chance.choice([b"1", b"\xff", b"a\rb", b"\x01"])
    data = json.dumps(junk_of(chance)).encode()
    event = b"event: %b\nid: %b\ndata: %b\n\n" % (name, mark, data)
    return sends(head % run_id, chunk(event), END)


def _deep():
    value = 1
    for _ in range(DEEP):
        value = {"values": value}
    return value
