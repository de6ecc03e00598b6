"""What can go wrong with boards and rules.

DashboardsError
├── UnknownName        a metric, label or label value that the catalogue does not have
├── WrongUse           a metric used against its kind, scope, unit or buckets
├── BrokenPart         one of the above, with the panel, rule or alert in which it is
├── WrongConfig        the file of objectives makes no sense
├── Drift              what is committed is not what would be built
└── NoPreview          a picture cannot be drawn: a program or Prometheus is missing
"""


class DashboardsError(Exception):
    """Boards and rules cannot be built."""


class UnknownName(DashboardsError):
    """The catalogue has no such metric, label or value."""


class WrongUse(DashboardsError):
    """The metric exists, but not for this use."""


class BrokenPart(DashboardsError):
    """A panel, a rule or an alert is wrong; the message begins with its name."""

    def __init__(self, part: str, reason: Exception) -> None:
        super().__init__(f"{part}: {reason}")


class WrongConfig(DashboardsError):
    """The file of objectives is wrong; the message names the key."""


class Drift(DashboardsError):
    """Committed files differ from what is built; the message names each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))


class NoPreview(DashboardsError):
    """No picture can be drawn; the message says what is missing."""
