"""The process that has a started target: it harms it when it is told to, and ends with its parent.

It is a process of its own so that the load, which patches the one it is in, does not slow it down.
It says `{"url": ...}` once the target works. Every line it reads is answered by one:

    harm SECONDS    begin with the faults, and go on for so long at most
    rest            answered when the last fault is over

When its input ends it stops the target and itself. What goes wrong is said as `{"error": ...}`.
"""

import json
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from outrigger_loadtests.errors import LoadTestError
from outrigger_loadtests.faults.nemesis import Fault, Nemesis
from outrigger_loadtests.faults.target import faults_of, started_target

LONGEST_PAUSE = 3.0  # seconds before each fault
HARM, REST = "harm", "rest"


class Harm:
    """A nemesis that works for so long, or until it is told to rest.

    The shorter the time, the shorter the pauses: each kind of fault has its turn.
    """

    def __init__(self, faults: Sequence[Fault], kinds: int, log: Path) -> None:
        self._faults = faults
        self._kinds = kinds
        self._log = log
        self._rest = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure = ""

    def begin(self, seconds: float) -> None:
        """Begin to do harm."""
        self._thread = threading.Thread(target=self._work, args=(seconds,), daemon=True)
        self._thread.start()

    def end(self) -> str:
        """Return when the last fault is over: what kept one from being injected, if anything."""
        self._rest.set()
        if self._thread is not None:
            self._thread.join()
        return self._failure

    def _work(self, seconds: float) -> None:
        pause = min(LONGEST_PAUSE, seconds / (2 * max(1, self._kinds)))
        try:
            with Nemesis(self._faults, pause=pause, log=self._log).at_work():
                self._rest.wait(seconds)
        except Exception as error:  # noqa: BLE001  whoever asks for the end is told
            self._failure = f"{type(error).__name__}: {error}"


def main(arguments: list[str]) -> int:
    """Start the target and do as the input says: CONFIG LOG FAULTS; the environment is its own."""
    config, log, names = arguments
    environment = json.loads(sys.stdin.readline())
    try:
        with ExitStack() as stack:
            target = stack.enter_context(started_target(Path(config), environment))
            kinds = [each for each in names.split(",") if each]
            Path(log).touch()
            harm = Harm(faults_of(target, kinds), len(kinds), Path(log))
            _say(url=target.url)
            _obey(harm)
            harm.end()
    except LoadTestError as error:
        _say(error=str(error))
        return 1
    return 0


def _obey(harm: Harm) -> None:
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == HARM:
            harm.begin(float(rest))
            _say(done=word)
        elif failure := harm.end():
            _say(error=failure)
        else:
            _say(done=word)


def _say(**told: str) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
