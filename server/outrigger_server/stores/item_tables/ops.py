"""Operations on items as every database is asked for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.store.base import GetOp, Op, PutOp, SearchOp

OPERATORS = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})
SIGNS: Mapping[str, str] = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def plain(op: Op) -> Op:
    """The same without its effect on times to live, and with every condition as an operator."""
    if isinstance(op, GetOp):
        return op._replace(refresh_ttl=False)
    if isinstance(op, SearchOp):
        wanted = {key: _condition(value) for key, value in (op.filter or {}).items()}
        return op._replace(refresh_ttl=False, filter=wanted or None)
    return op


def _condition(value: Any) -> dict[str, Any]:
    """A value stands for being equal to it; so does an object that names no operator."""
    if isinstance(value, dict) and any(str(name).startswith("$") for name in value):
        return value
    return {"$eq": value}


def last_puts(put_ops: Sequence[tuple[int, PutOp]]) -> list[PutOp]:
    """The last put of each item, all in one order: batches never wait for each other in a ring."""
    last = {(op.namespace, op.key): op for _, op in put_ops}
    return [last[place] for place in sorted(last)]
