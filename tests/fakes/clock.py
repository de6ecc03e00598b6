"""A clock that stands still until a test turns it."""


class TurnedClock:
    """See `Clock`. Starts late enough that times look like real ones."""

    def __init__(self, start: int = 1_800_000_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass; a negative number steps back."""
        self._now += round(seconds * 1_000_000)
