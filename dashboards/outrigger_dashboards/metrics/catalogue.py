"""Finds metrics by name. A name that nobody declares is an error, never an empty panel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outrigger_dashboards.errors import UnknownName
from outrigger_dashboards.metrics.load_test import LOAD_TEST
from outrigger_dashboards.metrics.prometheus import OF_PROMETHEUS
from outrigger_telemetry.metric_specs import CATALOGUE, Label, MetricSpec


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All metrics that panels and rules may use, by name."""

    specs: Mapping[str, MetricSpec]

    def spec(self, name: str) -> MetricSpec:
        """Return the metric of this name.

        Raises:
            UnknownName: There is none.
        """
        found = self.specs.get(name)
        if found is None:
            msg = f"there is no metric {name!r} in the catalogue"
            raise UnknownName(msg)
        return found

    def label(self, spec: MetricSpec, name: str) -> Label:
        """Return the label of this metric.

        Raises:
            UnknownName: The metric has no such label.
        """
        for label in spec.labels:
            if label.name == name:
                return label
        known = ", ".join(spec.label_names) or "none"
        msg = f"{spec.name} has no label {name!r}; its labels: {known}"
        raise UnknownName(msg)


def catalogue_of(*lists: Iterable[MetricSpec]) -> Catalogue:
    """Make a catalogue from lists of metrics; of two with one name the first counts."""
    specs: dict[str, MetricSpec] = {}
    for spec in (spec for each in lists for spec in each):
        specs.setdefault(spec.name, spec)
    return Catalogue(specs)


def full_catalogue() -> Catalogue:
    """Make the catalogue of everything that is scraped."""
    return catalogue_of(CATALOGUE, LOAD_TEST, OF_PROMETHEUS)
