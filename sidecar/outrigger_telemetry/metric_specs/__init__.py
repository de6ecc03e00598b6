"""Every metric Outrigger exposes, as data: name, kind, help, labels, buckets, who writes it.

The one place where metrics are declared, a file for each noun; import them from here. Server,
sidecar, dashboards and the tables in the documents read it; nothing here counts anything.
"""

from collections.abc import Mapping

from outrigger_telemetry.metric_specs.kinds import *
from outrigger_telemetry.metric_specs.labels import *
from outrigger_telemetry.metric_specs.runs import *
from outrigger_telemetry.metric_specs.threads import *
from outrigger_telemetry.metric_specs.streams import *
from outrigger_telemetry.metric_specs.workers import *
from outrigger_telemetry.metric_specs.databases import *
from outrigger_telemetry.metric_specs.webhooks import *
from outrigger_telemetry.metric_specs.requests import *
from outrigger_telemetry.metric_specs.processes import *
from outrigger_telemetry.metric_specs.traces import *
from outrigger_telemetry.metric_specs.generative_ai import *
from outrigger_telemetry.metric_specs.relay import *
from outrigger_telemetry.metric_specs.sidecar import *

CATALOGUE: tuple[MetricSpec, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricSpec)
)
BY_NAME: Mapping[str, MetricSpec] = {spec.name: spec for spec in CATALOGUE}
