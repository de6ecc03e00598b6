"""How much the relay takes in at once. What is more is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. `body_seconds` is the time a sender has for one body."""

    body: int
    decompressed: int
    part: int
    parts: int
    body_seconds: float

    @property
    def bodies(self) -> int:
        """Bytes of all bodies that are being received at one time."""
        return 4 * self.body
