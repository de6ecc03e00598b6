"""Every error the sidecar raises on purpose, as one tree.

SidecarError
├─ ConfigurationError   a bad setting; stops the start, lists every fault
├─ ListenError          the address is taken or not ours; stops the start
├─ DatabaseError        the server's database cannot be read now
├─ RemoteError          the server's API does not tell now
├─ RefusedTrace         what was sent to the relay is not taken; .status, .reason
└─ SpoolUnavailable     the relay's disk cannot be written now
"""

from collections.abc import Sequence


class SidecarError(Exception):
    """Something went wrong in the sidecar."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ConfigurationError(SidecarError):
    """The configuration is wrong; nothing was started."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class ListenError(SidecarError):
    """The address cannot be listened on."""


class DatabaseError(SidecarError):
    """The database cannot be read. The message is fit for strangers: no path, no driver text."""


class RemoteError(SidecarError):
    """The server's API does not tell. The message is fit for strangers."""


class RefusedTrace(SidecarError):
    """What was sent to the relay is not taken. The message says to the sender why.

    `reason` is one of `metric_specs.RELAY_REFUSAL`.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: int = 0) -> None:
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(message)


class SpoolUnavailable(SidecarError):
    """The relay's spool cannot be written now."""
