"""Writes the figures of a run as Markdown: medians over the rounds, with their range."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.engine.figures import Spread, ratio, spread
from benchmarks.engine.targets import COMPARISONS, Visits, throughput_of, time_of

NULL = "null"
# The null server must be so many times faster than the best contender.
HEADROOM = 5.0
SERVERS = {
    "embedded": "Outrigger, SQLite",
    "postgres": "Outrigger, PostgreSQL + Redis, one process",
    "postgres-1-worker": "Outrigger, PostgreSQL + Redis, API and 1 worker",
    "postgres-2-workers": "Outrigger, PostgreSQL + Redis, API and 2 workers",
    "official": "`langgraph dev`, 10 jobs",
}
LIMITS = {
    "limit-memory": "`ainvoke`, InMemorySaver",
    "limit-sqlite": "`ainvoke`, AsyncSqliteSaver",
    "limit-postgres": "`ainvoke`, AsyncPostgresSaver",
}
NULL_TITLE = {NULL: "null server (the client's own limit)"}
NONE = "–"
TIMINGS = (("first_frames", "first_frame"), ("first_frames", "first_values"))
CUT_TIMINGS = (("cuts", "interrupted"), ("cuts", "first_frame"), ("cuts", "first_values"))

Row = Sequence[str]


def visits_of(figures: Mapping[str, Any]) -> list[Visits]:
    """Return what was measured in each round."""
    return [each["visits"] for each in figures["rounds"]]


def headroom(rounds: Sequence[Visits], clients: int) -> float | None:
    """Return how many times the best contender's runs/s the null server reached.

    Of all rounds the least: one in which the client was too slow spoils the comparison.
    """
    found = []
    for visits in rounds:
        speeds = [throughput_of(visits, name, clients, "runs_per_second") for name in SERVERS]
        best = max((each for each in speeds if each is not None), default=None)
        found.append(ratio(throughput_of(visits, NULL, clients, "runs_per_second"), best))
    there = [each for each in found if each is not None]
    return min(there) if there else None


def headrooms(figures: Mapping[str, Any]) -> dict[int, float | None]:
    """Return the headroom of the client by the number of clients."""
    rounds = visits_of(figures)
    return {each: headroom(rounds, each) for each in figures["parameters"]["clients"]}


def is_valid(figures: Mapping[str, Any]) -> bool:
    """True when the client was fast enough everywhere not to be what was measured."""
    return all(each is not None and each >= HEADROOM for each in headrooms(figures).values())


def report(figures: Mapping[str, Any]) -> str:
    """Return the whole report."""
    rounds = visits_of(figures)
    parts = [_validity(figures), _circumstances(figures), _comparisons(rounds)]
    clients = figures["parameters"]["clients"]
    parts += [_throughput(rounds, clients), _times(rounds), _cpu(rounds, clients)]
    return "\n\n".join(parts)


def table(head: Row, rows: Sequence[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(found: Spread | None, digits: int = 1) -> str:
    """Return median and range as text."""
    if found is None:
        return NONE
    if found.low == found.high:
        return f"{found.median:,.{digits}f}"
    return f"{found.median:,.{digits}f} ({found.low:,.{digits}f}–{found.high:,.{digits}f})"


def _validity(figures: Mapping[str, Any]) -> str:
    found = headrooms(figures)
    said = ", ".join(
        f"{clients} clients {NONE if times is None else f'{times:.0f}×'}"
        for clients, times in found.items()
    )
    measured = f"null server / best server, runs/s, worst round: {said} (≥ {HEADROOM:g}× needed)"
    if is_valid(figures):
        return f"The client was not what was measured: {measured}."
    return f"**INVALID: the client itself was too slow, so these figures say nothing:** {measured}."


def _circumstances(figures: Mapping[str, Any]) -> str:
    machine, versions = figures["machine"], figures["versions"]
    loads = [visit["load_before"] for visits in visits_of(figures) for visit in visits.values()]
    official = ", ".join(f"{name} {number}" for name, number in versions["official"].items())
    ours = ", ".join(f"{name} {number}" for name, number in versions["ours"].items())
    return (
        f"{figures['started']}, {len(figures['rounds'])} rounds, {figures['seconds']:.0f} s, "
        f"{machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}; "
        f"load before {machine['load_before'][0]:.1f}, at most {max(loads):.1f} before a visit.\n"
        f"Ours: {ours}. Official: {official}. {versions['postgres']}."
    )


def _comparisons(rounds: Sequence[Visits]) -> str:
    rows = []
    for each in COMPARISONS:
        found = each.over(rounds)
        value = shown(found, 2) + (each.unit if found else "")
        rows.append([each.what, value, each.target, each.verdict(found)])
    return table(["ratio in the same round", "measured", "target", ""], rows)


def _throughput(rounds: Sequence[Visits], clients: Sequence[int]) -> str:
    rows = []
    for number in clients:
        for name, title in (SERVERS | LIMITS | NULL_TITLE).items():
            cells = [
                spread([throughput_of(visits, name, number, figure) for visits in rounds])
                for figure in ("runs_per_second", "p50_ms", "p95_ms", "p99_ms")
            ]
            if any(cells):
                failed = _total(rounds, name, lambda v, n=number: v["throughput"].get(str(n), {}))
                rows.append([str(number), title, *map(shown, cells), failed])
    head = ["clients", "create and wait", "runs/s", "p50 ms", "p95 ms", "p99 ms", "failed"]
    return table(head, rows)


def _times(rounds: Sequence[Visits]) -> str:
    rows = []
    for name, title in SERVERS.items():
        cells = [
            shown(spread([time_of(visits, name, case, timing, figure) for visits in rounds]))
            for case, timing in (*TIMINGS, *CUT_TIMINGS)
            for figure in ("p50_ms", "p95_ms")
            if (case, figure) != ("cuts", "p95_ms")
        ]
        failed = [_total(rounds, name, lambda v, c=case: v[c]) for case in ("first_frames", "cuts")]
        rows.append([title, *cells, " + ".join(failed)])
    head = ["ms, 1 client", "first frame p50", "p95", "first values p50", "p95"]
    head += ["cut: seen interrupted p50", "cut: first frame p50", "cut: first values p50"]
    return table([*head, "failed (streams + cuts)"], rows)


def _total(rounds: Sequence[Visits], name: str, case: Callable[[Visits], Mapping[str, Any]]) -> str:
    found = [case(visits[name]).get("failed", 0) for visits in rounds if name in visits]
    return str(sum(found)) if found else NONE


def _cpu(rounds: Sequence[Visits], clients: Sequence[int]) -> str:
    number = max(clients)
    rows = []
    for name, title in (SERVERS | NULL_TITLE).items():
        shares = [_shares(visits, name, number) for visits in rounds]
        parts = dict.fromkeys(part for each in shares for part in each)
        said = ", ".join(
            f"{part} {_percent(spread([each.get(part) for each in shares]))}" for part in parts
        )
        rows.append([title, said])
    return table([f"CPU at {number} clients, of one core", ""], rows)


def _shares(visits: Visits, name: str, clients: int) -> Mapping[str, float]:
    found: Mapping[str, float] = (
        visits.get(name, {}).get("throughput", {}).get(str(clients), {}).get("cpu", {})
    )
    return found


def _percent(found: Spread | None) -> str:
    return NONE if found is None else f"{found.median:.0%}"
