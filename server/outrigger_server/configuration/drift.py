"""What two files of variables differ in, without showing secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from outrigger_server.configuration.masking import masked
from outrigger_telemetry.setting_names import unknown_names


@dataclass(frozen=True, slots=True)
class Drift:
    """Two sets of variables, and how each is called."""

    names: tuple[str, str]
    first: Mapping[str, str]
    second: Mapping[str, str]

    @property
    def is_none(self) -> bool:
        """True when both say the same."""
        return dict(self.first) == dict(self.second)

    def lines(self) -> Iterator[str]:
        """The differences, in the order of the variables' names."""
        yield from self._alone(self.names[0], self.first, self.second)
        yield from self._alone(self.names[1], self.second, self.first)
        both = sorted(self.first.keys() & self.second.keys())
        different = [name for name in both if self.first[name] != self.second[name]]
        if different:
            yield "different"
        for name in different:
            yield from self._different(name)

    def warnings(self) -> list[str]:
        """A line for each name that no program reads."""
        return [
            f"{place}: {line}"
            for place, variables in zip(self.names, (self.first, self.second), strict=True)
            for line in unknown_names(variables)
        ]

    def _alone(
        self, place: str, here: Mapping[str, str], there: Mapping[str, str]
    ) -> Iterator[str]:
        alone = sorted(here.keys() - there.keys())
        if alone:
            yield f"only in {place}"
        yield from (f"    {name}={masked(name, here[name])}" for name in alone)

    def _different(self, name: str) -> Iterator[str]:
        shown = [masked(name, each[name]) for each in (self.first, self.second)]
        yield f"    {name}"
        if shown[0] == shown[1]:
            yield f"        {shown[0]} in both, but what is not shown differs"
            return
        width = max(map(len, self.names))
        for place, value in zip(self.names, shown, strict=True):
            yield f"        {place:<{width}}  {value}"
