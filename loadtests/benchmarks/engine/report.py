"""The report of a run, in Markdown: is it valid, what does it say, and all figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.engine.figures import ratio, spread
from benchmarks.engine.names import ALL, NULL, OTHERS, SERVERS
from benchmarks.engine.tables import NONE, percent, shown, table
from benchmarks.engine.targets import COMPARISONS, Visits, throughput_of, time_of

# The null server must be so many times faster than the best server.
HEADROOM = 5.0
# When others on the machine used more than this share of a core, the report warns.
DISTURBED = 0.5
# The load at which the CPU is shown.
CPU_CLIENTS = 50
FIGURES = ("runs_per_second", "p50_ms", "p95_ms", "p99_ms")
# Case, timing and figure of the columns of the times that one client sees.
TIMES = {
    "first frame p50": ("first_frames", "first_frame", "p50_ms"),
    "first frame p95": ("first_frames", "first_frame", "p95_ms"),
    "first values p50": ("first_frames", "first_values", "p50_ms"),
    "cut run shows interrupted p50": ("cuts", "interrupted", "p50_ms"),
    "cutting run's first frame p50": ("cuts", "first_frame", "p50_ms"),
    "cutting run's first values p50": ("cuts", "first_values", "p50_ms"),
}


def published(file: Path) -> str:
    """Return the report of the figures in a file."""
    return report(orjson.loads(file.read_bytes()))


def report(figures: Mapping[str, Any]) -> str:
    """Return the whole report."""
    rounds = visits_of(figures)
    clients = figures["parameters"]["clients"]
    parts = [_validity(figures), _circumstances(figures), _comparisons(rounds)]
    parts += [_throughput(rounds, clients), _times(rounds), _cpu(rounds)]
    return "\n\n".join(parts)


def visits_of(figures: Mapping[str, Any]) -> list[Visits]:
    """Return what was measured in each round."""
    return [each["visits"] for each in figures["rounds"]]


def is_valid(figures: Mapping[str, Any]) -> bool:
    """True when nothing broke down and the client was fast enough not to be what was measured."""
    return not _errors(figures) and _client_was_fast_enough(figures)


def _client_was_fast_enough(figures: Mapping[str, Any]) -> bool:
    return all(each is not None and each >= HEADROOM for each in headrooms(figures).values())


def _errors(figures: Mapping[str, Any]) -> list[str]:
    """Return what broke down, each as a line."""
    return [
        f"round {number}, {name}: {' '.join(visit['error'].split())}"
        for number, visits in enumerate(visits_of(figures), start=1)
        for name, visit in visits.items()
        if "error" in visit
    ]


def headrooms(figures: Mapping[str, Any]) -> dict[int, float | None]:
    """Return by the number of clients how many times the best server's runs/s the null server had.

    Of all rounds the least: one in which the client was too slow spoils the comparison.
    """
    found: dict[int, float | None] = {}
    for clients in figures["parameters"]["clients"]:
        times = [_headroom(visits, clients) for visits in visits_of(figures)]
        there = [each for each in times if each is not None]
        found[clients] = min(there) if len(there) == len(times) and there else None
    return found


def _headroom(visits: Visits, clients: int) -> float | None:
    speeds = [throughput_of(visits, name, clients, "runs_per_second") for name in SERVERS]
    best = max((each for each in speeds if each is not None), default=None)
    return ratio(throughput_of(visits, NULL, clients, "runs_per_second"), best)


def _validity(figures: Mapping[str, Any]) -> str:
    said = ", ".join(
        f"{clients} clients {NONE if times is None else f'{times:.0f}x'}"
        for clients, times in headrooms(figures).items()
    )
    measured = f"null server / best server in the worst round: {said}; {HEADROOM:g}x are needed"
    errors = [f"* **BROKE DOWN in {line}**" for line in _errors(figures)]
    parts = [_said_of_client(figures, measured), *errors]
    others = _most_of_others(visits_of(figures))
    if others > DISTURBED:
        parts.append(
            f"* **DISTURBED: others on the machine used up to {percent(others)} of a core**"
        )
    return "\n".join(parts)


def _said_of_client(figures: Mapping[str, Any], measured: str) -> str:
    if _client_was_fast_enough(figures):
        return f"The client was not what was measured ({measured})."
    return f"**INVALID: the client itself was too slow; these figures say nothing** ({measured})."


def _circumstances(figures: Mapping[str, Any]) -> str:
    machine, versions = figures["machine"], figures["versions"]
    loads = [visit["load_before"] for visits in visits_of(figures) for visit in visits.values()]
    official, ours = (
        ", ".join(f"{name} {number}" for name, number in versions[side].items())
        for side in ("official", "ours")
    )
    others = percent(_most_of_others(visits_of(figures)))
    said = (
        f"{figures['started']}, {len(figures['rounds'])} rounds, {figures['seconds']:.0f} s",
        f"{machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}",
        f"load before the run {machine['load_before'][0]:.1f}, at most {max(loads):.1f} in it",
        f"while runs were counted, others on the machine used at most {others} of a core",
        f"{versions['postgres']}; {versions['redis'].partition(' sha')[0]}",
        f"ours: {ours}",
        f"official: {official}",
    )
    return "\n".join(f"* {line}" for line in said)


def _most_of_others(rounds: Sequence[Visits]) -> float:
    cases = [
        case
        for visits in rounds
        for visit in visits.values()
        for case in visit.get("throughput", {}).values()
    ]
    return max((float(case["cpu"].get(OTHERS, 0.0)) for case in cases), default=0.0)


def _comparisons(rounds: Sequence[Visits]) -> str:
    rows = []
    for each in COMPARISONS:
        found = each.over(rounds)
        value = shown(found, 2) + (each.unit if found else "")
        rows.append([each.what, value, each.target, each.verdict(found)])
    return table(["within a round", "measured", "target", ""], rows)


def _throughput(rounds: Sequence[Visits], clients: Sequence[int]) -> str:
    rows = []
    for number in clients:
        for name, title in ALL.items():
            cells = [
                spread([throughput_of(visits, name, number, figure) for visits in rounds])
                for figure in FIGURES
            ]
            if any(cells):
                failed = [throughput_of(visits, name, number, "failed") for visits in rounds]
                rows.append([str(number), title, *map(shown, cells), _total(failed)])
    head = ["clients", "create and wait", "runs/s", "p50 ms", "p95 ms", "p99 ms", "failed"]
    return table(head, rows)


def _times(rounds: Sequence[Visits]) -> str:
    rows = []
    for name, title in SERVERS.items():
        cells = [
            shown(spread([time_of(visits, name, *column) for visits in rounds]))
            for column in TIMES.values()
        ]
        failed = [
            visits[name][case]["failed"]
            for visits in rounds
            for case in ("first_frames", "cuts")
            if case in visits.get(name, {})
        ]
        rows.append([title, *cells, _total(failed)])
    return table(["ms, 1 client", *TIMES, "failed"], rows)


def _total(counts: Sequence[float | None]) -> str:
    there = [each for each in counts if each is not None]
    return f"{sum(there):.0f}" if there else NONE


def _cpu(rounds: Sequence[Visits]) -> str:
    rows = []
    for name, title in ALL.items():
        shares = [_shares(visits, name) for visits in rounds]
        parts = dict.fromkeys(part for each in shares for part in each)
        said = []
        for part in parts:
            found = spread([each.get(part) for each in shares])
            said.append(f"{part} {percent(found.median if found else None)}")
        rows.append([title, ", ".join(said) or NONE])
    return table([f"{CPU_CLIENTS} clients", "CPU, of one core"], rows)


def _shares(visits: Visits, name: str) -> Mapping[str, float]:
    cases = visits.get(name, {}).get("throughput", {})
    shares: Mapping[str, float] = cases.get(str(CPU_CLIENTS), {}).get("cpu", {})
    return shares
