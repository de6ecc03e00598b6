"""What a capacity test is told to do: options in, a frozen value out, every wrong one named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from outrigger_loadtests.behaviour.file import DEFAULT, read_behaviour
from outrigger_loadtests.behaviour.profile import Behaviour
from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.measures.tally import OPERATIONS
from outrigger_loadtests.settings import ALL, CheckSettings, check_settings

DEFAULT_OBJECTIVES = ("first_event=1s", "accept=500ms")
DEFAULT_STAGE = 30.0
DEFAULT_WARM_UP = 10.0
DEFAULT_REPEATS = 3
DEFAULT_START = 1.0
DEFAULT_MOST = 10_000.0
DEFAULT_CHECKED = 0.05
DEFAULT_USERS = "1,2,4,8,16,32"
ERROR_BUDGET = 0.01
MAX_SEND_LAG = 0.010
MAX_CPU = 0.80
CAP = 5000
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_MOST_CLOSED = 10_000


@dataclass(frozen=True)
class Limits:
    """Up to where the generator is believed: send lag p99 in seconds, share of a core."""

    send_lag: float = MAX_SEND_LAG
    cpu: float = MAX_CPU


@dataclass(frozen=True)
class CapacitySettings:
    """One capacity test. Times are seconds, rates conversations a second."""

    check: CheckSettings
    behaviour: Behaviour
    profile_option: str
    objectives: dict[str, float]
    error_budget: float
    stage: float
    warm_up: float
    repeats: int
    start: float
    most: float
    target: float | None
    checked_share: float
    users: tuple[int, ...]
    limits: Limits
    cap: int


def capacity_settings(  # noqa: PLR0913  one for each option
    *,
    check: CheckSettings,
    profile: str = DEFAULT,
    slo_p95: Sequence[str] = DEFAULT_OBJECTIVES,
    error_budget: float = ERROR_BUDGET,
    stage: float = DEFAULT_STAGE,
    warm_up: float = DEFAULT_WARM_UP,
    repeats: int = DEFAULT_REPEATS,
    start: float = DEFAULT_START,
    most: float = DEFAULT_MOST,
    target: float | None = None,
    checked_share: float = DEFAULT_CHECKED,
    closed_users: str = DEFAULT_USERS,
    limits: Limits | None = None,
    cap: int = CAP,
) -> CapacitySettings:
    """Check the options and return what they say.

    Raises:
        UsageError: An option or the profile is wrong; says which one and what it may be.
    """
    if start > most:
        raise UsageError(f"--start-rate: {start:g} is more than --max-rate {most:g}")
    behaviour = read_behaviour(profile)
    return CapacitySettings(
        check=check,
        behaviour=behaviour,
        profile_option=profile,
        objectives=_objectives(slo_p95),
        error_budget=_within("--error-budget", error_budget, 0, 1),
        stage=_within("--stage", stage, 0.5, 86_400),
        warm_up=_long_enough(_within("--warm-up", warm_up, 0, 86_400), behaviour),
        repeats=int(_within("--repeats", repeats, 1, 20)),
        start=_within("--start-rate", start, 0.01, 100_000),
        most=_within("--max-rate", most, 0.01, 100_000),
        target=None if target is None else _within("--target-rate", target, 0.01, 100_000),
        checked_share=_within("--checked-share", checked_share, 0, 1),
        users=_users(closed_users),
        limits=_limits(limits or Limits()),
        cap=int(_within("--in-flight-cap", cap, 1, 1_000_000)),
    )


def _long_enough(warm_up: float, behaviour: Behaviour) -> float:
    """Refuse a warm-up shorter than a run: what comes on its way would be taken for growth."""
    recorded = [each.seconds for each in behaviour.recording if each.seconds is not None]
    longest = max([behaviour.conversation.seconds[1], *recorded])
    if warm_up < longest:
        raise UsageError(
            f"--warm-up: {warm_up:g} s is less than the {longest:g} s for which a run of the "
            "profile works; give more, or what is on its way by then is taken for growth"
        )
    return warm_up


def one_probe(**options: object) -> CheckSettings:
    """Check the options that `check` knows as well; capacity is of one probe graph.

    Raises:
        UsageError: An option is wrong; says which one and what it may be.
    """
    if options.get("probe") == ALL:
        raise UsageError("--probe: capacity is measured with one graph; name it")
    return check_settings(**options)  # type: ignore[arg-type]


def _objectives(given: Sequence[str]) -> dict[str, float]:
    found = {}
    for each in given:
        name, _, told = each.partition("=")
        match = _DURATION.fullmatch(told)
        if name not in OPERATIONS or not match or not float(match[1]):
            raise UsageError(
                f"--slo-p95: {each!r} is not an operation ({', '.join(OPERATIONS)}) and a time, "
                "such as first_event=1s or accept=200ms"
            )
        found[name] = float(match[1]) / (1000 if match[2] == "ms" else 1)
    if not found:
        raise UsageError("--slo-p95: name at least one, such as first_event=1s")
    return found


def _users(given: str) -> tuple[int, ...]:
    words = [each.strip() for each in given.split(",") if each.strip()]
    if not all(each.isascii() and each.isdigit() and int(each) > 0 for each in words):
        raise UsageError(f"--closed-users: {given!r} is no list of numbers such as {DEFAULT_USERS}")
    if any(int(each) > _MOST_CLOSED for each in words):
        raise UsageError(f"--closed-users: {given!r} has more than {_MOST_CLOSED} users")
    return tuple(sorted({int(each) for each in words}))


def _limits(given: Limits) -> Limits:
    _within("--max-send-lag", given.send_lag, 0.001, 60)
    _within("--max-cpu", given.cpu, 0.01, 1)
    return given


def _within(option: str, given: float, least: float, most: float) -> float:
    if not least <= given <= most:
        raise UsageError(f"{option}: {given:g} is not between {least:g} and {most:g}")
    return given
