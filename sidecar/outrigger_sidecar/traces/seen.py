"""Remembers what came lately, in bounded space."""


class Seen:
    """The last `size` to twice as many keys.

    Kept as their hashes in two sets, of which the older goes when the younger is full.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: set[int] = set()
        self._old: set[int] = set()

    def add(self, key: str) -> bool:
        """Remember the key; False when it was known."""
        number = hash(key)
        if number in self._young or number in self._old:
            return False
        if len(self._young) >= self._size:
            self._old, self._young = self._young, set()
        self._young.add(number)
        return True
