"""The life of a run as a drawing and as a table, for `docs/state-machine.md`."""

from collections.abc import Iterator

from outrigger_server.domain.run import REMOVALS, TRANSITIONS, RunStatus

GONE = "[*]"
"""Mermaid's word for what comes before the first and after the last state."""


def run_diagram() -> str:
    """Return the diagram that Mermaid draws."""
    lines = [f"{GONE} --> {RunStatus.PENDING}: created"]
    lines += [f"{before} --> {after}: {short}" for before, after, short in _arrows()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"])


def _arrows() -> Iterator[tuple[str, str, str]]:
    for before, steps in TRANSITIONS.items():
        for after, cause in steps.items():
            yield before, after, _without_colon(cause)
        yield before, GONE, _without_colon(REMOVALS[before])


def _without_colon(cause: str) -> str:
    """The cause as a label, which begins after a colon and so should hold none."""
    return cause.partition(":")[0]


def transitions_table() -> str:
    """Return a row for each step that a run may take."""
    rows = ["| from | to | because |", "| --- | --- | --- |", "|  | `pending` | it was created |"]
    for before, steps in TRANSITIONS.items():
        rows += [f"| `{before}` | `{after}` | {cause} |" for after, cause in steps.items()]
        rows.append(f"| `{before}` | *no row* | {REMOVALS[before]} |")
    return "\n".join(rows)
