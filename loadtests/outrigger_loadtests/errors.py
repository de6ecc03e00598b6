"""What can go wrong with a load test itself.

LoadTestError
├── UsageError            wrong options; nothing was sent
├── TargetUnreachable     no server answers, or it is not one that can be tested
├── TargetNotStarted      a server that was to be started for the test did not start
├── UnreadableHistory     a history file that is no history
├── UnreadableFaults      a log of faults that is none
└── UnreadableReport      a file of an earlier run that is none
"""

from pathlib import Path


class LoadTestError(Exception):
    """The load test cannot go on."""


class UsageError(LoadTestError):
    """An option is wrong; the message says which one and what to do."""


class TargetUnreachable(LoadTestError):
    """The server does not answer as one that can be tested; the message says what it did."""


class TargetNotStarted(LoadTestError):
    """A program of the target did not start or end as it should; the message says which and why."""


class UnreadableHistory(LoadTestError):
    """A line of a history cannot be read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line} of the history cannot be read: {reason}")


class UnreadableFaults(LoadTestError):
    """A line of a log of faults cannot be read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line} of the log of faults cannot be read: {reason}")


class UnreadableReport(LoadTestError):
    """A file of an earlier run cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no report of this tool: {reason}")
