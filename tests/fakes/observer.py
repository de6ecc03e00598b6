"""An observer of writes that counts what it is told."""

from collections import Counter


class CountingObserver:
    """See `WriteObserver`."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.refused: Counter[str] = Counter()

    def checkpoint_written(self, seconds: float, size: int) -> None:
        assert seconds >= 0
        self.sizes.append(size)

    def write_refused(self, kind: str) -> None:
        self.refused[kind] += 1
