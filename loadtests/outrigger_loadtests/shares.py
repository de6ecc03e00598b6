"""Judges a large history on every core: one process for each share of its threads.

The processes are started anew and not forked: the one that made the load is full of greenlets.
"""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec

from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.history.file import Share
from outrigger_loadtests.judging import Judgement, judge_history
from outrigger_loadtests.profiles import ServerProfile, profile_named

LARGE_BYTES = 32 * 2**20  # below it, a process more costs more than it saves


def judge_on_every_core(
    path: Path,
    profile: ServerProfile,
    left_out: Collection[str] = (),
    *,
    large_bytes: int = LARGE_BYTES,
) -> Judgement:
    """Judge a history by all invariants, without the threads that are `left_out`.

    What is not larger than `large_bytes` is judged here and now.

    Raises:
        UnreadableHistory: It is no history.
        OSError: It cannot be read.
    """
    cores = len(os.sched_getaffinity(0)) if path.stat().st_size > large_bytes else 1
    if cores == 1:
        return judge_history(path, profile, INVARIANTS, left_out)
    command = [sys.executable, "-m", "outrigger_loadtests.shares", str(path), profile.name]
    names = msgspec.json.encode(sorted(left_out))
    started = [_start([*command, str(number), str(cores)], names) for number in range(cores)]
    try:
        judgement = Judgement()
        for process in started:
            answer, _ = process.communicate()
            if process.returncode:  # done here, it says what is wrong
                return judge_history(path, profile, INVARIANTS, left_out)
            share = msgspec.msgpack.decode(answer, type=Judgement)
            judgement.add(share)
            judgement.stalled, judgement.faults = share.stalled, share.faults
    finally:
        for process in started:
            process.kill()
    return judgement


def _start(command: list[str], given: bytes) -> subprocess.Popen[bytes]:
    """Start a process and hand it its input at once: all work while the first is waited for."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if process.stdin is not None:
        with process.stdin as pipe:
            pipe.write(given)
        process.stdin = None
    return process


def main(arguments: list[str]) -> int:
    """Judge one share: PATH PROFILE NUMBER OF; the threads to leave out come from stdin."""
    path, profile, number, of = arguments
    left_out = msgspec.json.decode(sys.stdin.buffer.read(), type=frozenset[str])
    share = Share(int(number), int(of))
    judgement = judge_history(Path(path), profile_named(profile), INVARIANTS, left_out, share)
    sys.stdout.buffer.write(msgspec.msgpack.encode(judgement))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
