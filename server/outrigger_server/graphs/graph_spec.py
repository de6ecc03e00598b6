"""Where something of the user's is: a graph, an `Auth` object, an app of its own."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """A file or a module, and the variable in it."""

    text: str
    """As the user wrote it."""
    place: Path | str
    """The file, absolute; or the module's dotted name."""
    attribute: str
    directory: Path
    """Where the manifest lies, absolute."""
    description: str | None = None
