"""What a check is told to do: options in, a frozen value out, every wrong one named."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from outrigger_loadtests.behaviour.file import read_behaviour
from outrigger_loadtests.behaviour.profile import Behaviour
from outrigger_loadtests.errors import UnreadableFaults, UsageError
from outrigger_loadtests.faults.target import FAULTS
from outrigger_loadtests.history.faults_log import read_faults
from outrigger_loadtests.history.operations import Strategy
from outrigger_loadtests.profiles import ServerProfile, profile_named

ALL = "all"
MIXED = "mixed"
LABELS = (*(str(each) for each in Strategy), MIXED)
PROBES = ("async", "sync", "cleanup", "swallow", "blocking")
DEFAULT_HOST = "http://127.0.0.1:8123"
DEFAULT_THREADS = 8
DEFAULT_SECONDS = 60.0
DEFAULT_OUTPUT = Path("outrigger-loadtest")
MOST_THREADS = 1000
MOST_SECONDS = 7 * 24 * 3600.0
MOST_SEED = 1 << 53
_NOT_OF_A_URL = re.compile(r"[\s\\?#\x00-\x1f\x7f]")  # a path may follow the host, a query may not


@dataclass(frozen=True)
class CheckSettings:
    """One check: where, what, how much. `duration` is in seconds, over all probes together.

    Without a `behaviour` people double-text as hard as they can. `start` is the `langgraph.json` of
    a server to start and harm by `faults`; its processes get the `environment`.
    """

    host: str
    labels: tuple[str, ...]
    probes: tuple[str, ...]
    threads: int
    duration: float
    seed: int
    output: Path
    api_key: str | None
    profile: ServerProfile
    faults_log: Path | None = None
    grafana_url: str = ""
    start: Path | None = None
    faults: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    behaviour: Behaviour | None = None
    behaviour_option: str = ""

    @property
    def strategy(self) -> str:
        """The option that gives the labels."""
        return self.labels[0] if len(self.labels) == 1 else ALL

    @property
    def probe(self) -> str:
        """The option that gives the probes."""
        return self.probes[0] if len(self.probes) == 1 else ALL


def check_settings(  # noqa: PLR0913  one for each option
    *,
    host: str = DEFAULT_HOST,
    strategy: str = ALL,
    probe: str = ALL,
    threads: int = DEFAULT_THREADS,
    duration: float = DEFAULT_SECONDS,
    seed: int | None = None,
    output: Path = DEFAULT_OUTPUT,
    api_key: str | None = None,
    server_profile: str = "outrigger",
    faults_log: Path | None = None,
    grafana_url: str = "",
    start: Path | None = None,
    faults: str = "",
    environment: Mapping[str, str] | None = None,
    behaviour: str = "",
) -> CheckSettings:
    """Check the options and return what they say; without a seed one is drawn.

    Raises:
        UsageError: An option is wrong; says which one and what it may be.
    """
    if seed is None:
        seed = secrets.randbelow(1 << 24)
    return CheckSettings(
        host=_url(host),
        labels=_choice("--strategy", strategy, LABELS),
        probes=_choice("--probe", probe, PROBES),
        threads=int(_within("--threads", threads, 1, MOST_THREADS)),
        duration=_within("--duration", duration, 1, MOST_SECONDS),
        seed=int(_within("--seed", seed, 0, MOST_SEED)),
        output=_folder(output),
        api_key=_header("--api-key", api_key),
        profile=profile_named(server_profile),
        faults_log=_log(faults_log),
        grafana_url=grafana(grafana_url),
        start=_config(start, host, faults_log),
        faults=_faults(faults, start),
        environment=dict(environment or {}),
        behaviour=read_behaviour(behaviour) if behaviour else None,
        behaviour_option=behaviour,
    )


def _config(start: Path | None, host: str, faults_log: Path | None) -> Path | None:
    if start is None:
        return None
    if not start.is_file():
        raise UsageError(f"--start: {start} is no langgraph.json")
    if host != DEFAULT_HOST:
        raise UsageError("--start: it starts a server of its own; leave --host out")
    if faults_log is not None:
        raise UsageError("--start: it writes a log of faults of its own; leave --faults-log out")
    return start.absolute()


def _faults(names: str, start: Path | None) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(each.strip() for each in names.split(",") if each.strip()))
    for name in found:
        if name not in FAULTS:
            known = ", ".join(FAULTS)
            raise UsageError(f"--faults: {name!r} is not known; it is one of {known}")
    if found and start is None:
        raise UsageError("--faults: harm is only done to a server that --start has started")
    return found


def grafana(address: str) -> str:
    """Check the address of a Grafana dashboard; empty for none.

    Raises:
        UsageError: It is no address that a page may lead to.
    """
    parts = urlsplit(address)
    if address and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise UsageError(f"--grafana-url: {address!r} is no URL of a dashboard")
    if "@" in parts.netloc:  # the report would show it
        raise UsageError("--grafana-url: no user name or password may stand in it")
    return address


def _url(host: str) -> str:
    if "@" in host:  # reports and the command that repeats the check would show it
        raise UsageError("--host: no user name or password may stand in it")
    try:
        parts = urlsplit(host)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or _NOT_OF_A_URL.search(host):
        raise UsageError(f"--host: {host!r} is no URL such as {DEFAULT_HOST}")
    return host.rstrip("/")


def _choice(option: str, given: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if given == ALL:
        return known
    if given not in known:
        raise UsageError(f"{option}: {given!r} is not known; it is one of {', '.join(known)}, all")
    return (given,)


def _within(option: str, given: float, least: float, most: float) -> float:
    if not least <= given <= most:
        raise UsageError(f"{option}: {given} is not between {least:.0f} and {most:.0f}")
    return given


def _folder(output: Path) -> Path:
    place = output.absolute()
    there = next(each for each in (place, *place.parents) if each.exists())
    if not there.is_dir():
        raise UsageError(f"--output: {there} is not a directory")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"--output: {there} is not yours to write to")
    return output


def _log(faults_log: Path | None) -> Path | None:
    if faults_log is None:
        return None
    if not faults_log.is_file():
        raise UsageError(f"--faults-log: {faults_log} is no file; make it, empty, before the check")
    try:
        read_faults(faults_log)
    except OSError as error:
        raise UsageError(f"--faults-log: {faults_log} cannot be read: {error.strerror}") from error
    except UnreadableFaults as error:
        raise UsageError(f"--faults-log: {error}") from error
    return faults_log


def _header(option: str, given: str | None) -> str | None:
    if given is not None and not (given.isascii() and given.isprintable() and given):
        raise UsageError(f"{option}: it must be printable ASCII, for it is sent in a header")
    return given
