"""The role the tables of items play, in whatever way a database keeps them."""

from collections.abc import Sequence
from typing import Any, Protocol

from langgraph.store.base import Op, Result
from sqlalchemy import Connection

OTHER_DIMS = (
    "store.index.dims: the items in the database have vectors of {} numbers. Give that, or drop "
    "the table store_vectors and put the items again."
)

ItemKey = tuple[str, str]
"""The namespace as one text, and the key."""


class ItemTables(Protocol):
    """The tables of one kind of database."""

    def batch(
        self, connection: Connection, ops: Sequence[Op], index: Any | None = None
    ) -> list[Result]:
        """Carry out the operations in the connection's transaction; times to live stay.

        `index` is langgraph's, with every vector made before.
        """
        ...

    def prepare_index(self, connection: Connection, dims: int) -> None:
        """Make the table of vectors of `dims` numbers, if there is none.

        Raises:
            ConfigurationError: The database cannot keep vectors, or keeps others.
        """
        ...

    def aging(self, connection: Connection, keys: Sequence[ItemKey]) -> list[ItemKey]:
        """Those of the items that have a time to live."""
        ...

    def refresh(self, connection: Connection, keys: Sequence[ItemKey]) -> None:
        """Let the time to live of the items begin now; without one they stay as they are."""
        ...

    def sweep(self, connection: Connection, limit: int) -> int:
        """Remove up to `limit` items whose time is over, the longest first; return how many."""
        ...
