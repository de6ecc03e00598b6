"""Compares a file's assistants with a server's, and makes and changes what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from outrigger_server.assistants_apply.difference import differences
from outrigger_server.assistants_apply.remote import RemoteAssistants
from outrigger_server.assistants_apply.wanted import WantedAssistant


@dataclass(frozen=True, slots=True)
class Step:
    """One assistant, and what it differs in from the server's; nothing when it is as it should."""

    wanted: WantedAssistant
    present: dict[str, Any] | None
    changes: dict[str, str]

    def lines(self) -> Iterator[str]:
        """The step in words, with a difference for each field."""
        sign = "=" if not self.changes else "~" if self.present is not None else "+"
        version = f", version {self.present['version']}" if self.present is not None else ""
        yield f"{sign} {self.wanted.name} ({self.wanted.assistant_id}{version})"
        for change in self.changes.values():
            yield from (f"    {line}" for line in change.splitlines())


def plan(wanted: Sequence[WantedAssistant], remote: RemoteAssistants) -> list[Step]:
    """What would have to be done, in the file's order; nothing is changed.

    Raises:
        ConfigurationError: The server cannot be reached, or does not answer as one.
    """
    found = [(each, remote.find(each)) for each in wanted]
    return [Step(each, present, differences(present, each)) for each, present in found]


def carry_out(steps: Sequence[Step], remote: RemoteAssistants) -> Iterator[str]:
    """Do what differs, one after the other, and say so; what is as it should be is left alone.

    Raises:
        ConfigurationError: The server refuses one; those before it are done.
    """
    for step in steps:
        name = f"{step.wanted.name} ({step.wanted.assistant_id})"
        if not step.changes:
            yield f"= {name}: as it should be"
        elif step.present is None:
            yield f"+ {name}: made, version {remote.create(step.wanted)}"
        else:
            fields = ", ".join(step.changes)
            yield f"~ {name}: {fields} changed, version {remote.change(step.wanted)}"
