"""The distance of vectors in SQLite: sqlite-vec's own, or the same in Python.

Many Pythons are built so that SQLite loads no extension.
"""

import math
import sqlite3
from array import array
from operator import mul

import sqlite_vec  # type: ignore[import-untyped]  # it says nothing of types

COSINE = "vec_distance_cosine"


def give_distances(connection: sqlite3.Connection) -> None:
    """Let the connection's statements measure distances; nothing when they can already."""
    try:
        connection.execute(f"SELECT {COSINE}(x'0000803f', x'0000803f')")
    except sqlite3.OperationalError:
        _give(connection)


def _give(connection: sqlite3.Connection) -> None:
    if not hasattr(connection, "enable_load_extension"):
        connection.create_function(COSINE, 2, cosine_distance, deterministic=True)
        return
    connection.enable_load_extension(True)  # noqa: FBT003  sqlite3 takes no name
    try:
        sqlite_vec.load(connection)
    finally:
        connection.enable_load_extension(False)  # noqa: FBT003


def cosine_distance(one: bytes, other: bytes) -> float | None:
    """1 minus the cosine of the angle; None when one of the vectors has no direction."""
    left, right = array("f", one), array("f", other)
    length = math.sqrt(sum(map(mul, left, left)) * sum(map(mul, right, right)))
    return 1 - sum(map(mul, left, right)) / length if length else None
