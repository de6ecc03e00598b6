"""What a probe is."""

from typing import Protocol

from outrigger_sidecar.health import CheckState, Reading


class Probe(Protocol):
    """Looks at one thing.

    `check` may block; it runs in a thread of its own and is given up after a timeout. It says
    in `Reading.detail` what a person on call needs, without paths or texts of drivers.
    """

    @property
    def name(self) -> str:
        """The name of the check, one of `metric_specs.CHECK`."""
        ...

    @property
    def is_critical(self) -> bool:
        """True when nothing works without it: its failure makes the whole unhealthy."""
        ...

    def check(self) -> Reading:
        """Look once. An exception counts as unknown."""
        ...


def ok(detail: str) -> Reading:
    """Make a reading: all is well."""
    return Reading(CheckState.OK, detail)


def degraded(detail: str) -> Reading:
    """Make a reading: it works, but someone should look."""
    return Reading(CheckState.DEGRADED, detail)


def failed(detail: str) -> Reading:
    """Make a reading: it does not work."""
    return Reading(CheckState.FAILED, detail)
