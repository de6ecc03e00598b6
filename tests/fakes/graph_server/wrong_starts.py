"""How a run begins on a faulty server: on the wrong checkpoint, values or input.

Every function gets what is right and returns what the server's faults make of it.
"""

from typing import Any

from fakes.graph_server.bugs import Bug, Bugs
from fakes.graph_server.checkpoints import Checkpoint
from fakes.graph_server.rows import Action, Ids, RunRow

NOBODYS_MARK = "x0-0-0:input"


def wrong_base(bugs: Bugs, run: RunRow, base: Checkpoint | None) -> Checkpoint | None:
    history = run.thread.history
    if base is None:
        return None
    if Bug.OLD_START in bugs and run.waited and run.head_then:
        return history.get(run.head_then) or base
    own_victim = base.run_id in {victim.run_id for victim in run.victims}
    if Bug.STARTS_BEFORE_CUT in bugs and own_victim and run.strategy == Action.INTERRUPT:
        return history.get(base.parent_id)
    if Bug.ROLLBACK_TOO_FAR in bugs and run.victims and run.strategy == Action.ROLLBACK:
        return history.get(base.parent_id) or base
    return base


def wrong_parent(bugs: Bugs, base: Checkpoint | None, ids: Ids) -> str:
    if base is None or Bug.SECOND_ROOT in bugs:
        return ""
    return ids.new(6) if Bug.PARENT_DANGLES in bugs else base.checkpoint_id


def wrong_values(bugs: Bugs, run: RunRow, values: dict[str, Any]) -> dict[str, Any]:
    log = values["log"]
    if Bug.STATE_FORGOTTEN in bugs:
        return {**values, "log": []}
    if Bug.LAST_MARK_MISSED in bugs and run.waited and run.strategy == "enqueue":
        return {**values, "log": log[:-1]}
    if Bug.VICTIM_PREFIX_LOST in bugs and run.strategy == Action.INTERRUPT:
        lost = tuple(f"{token_of(victim)}:" for victim in run.victims if token_of(victim))
        return {**values, "log": [mark for mark in log if not mark.startswith(lost)]}
    return values


def wrong_input(bugs: Bugs, run: RunRow, marks: list[str]) -> list[str]:
    if Bug.INPUT_DOUBLED in bugs:
        return marks + marks
    if Bug.INPUT_LOST in bugs and run.waited:
        return []
    if Bug.TOKEN_CROSSES in bugs:
        return [*marks, run.thread.neighbour_mark() or NOBODYS_MARK]
    return marks


def token_of(run: RunRow) -> str:
    """The token in a run's input; empty for a resume."""
    return str((run.kwargs["input"] or {}).get("token", ""))
