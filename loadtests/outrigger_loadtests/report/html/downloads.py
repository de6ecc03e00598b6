"""Histograms to take along: a link that holds the file itself."""

from base64 import b64encode

import orjson
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]  # it ships no types

from outrigger_loadtests.report.capacity_json import CapacityPart
from outrigger_loadtests.report.html.page import Link
from outrigger_loadtests.report.measures import MEANINGS, Measure, Measures, measure_of
from outrigger_loadtests.report.times import Times, microseconds_of

HISTOGRAMS = "histograms.json"
STAGES = "stage-histograms.json"
_LONGEST = 7 * 24 * 3600 * 1_000_000  # microseconds that one can hold
_DIGITS = 2


def histograms_link(measures: Measures) -> Link:
    """Return a link to all histograms, each in the form that every HDR tool reads."""
    found = {
        key: {
            "unit": "microseconds",
            "meaning": MEANINGS[Measure(measure_of(key))],
            "hdr": encoded(measures.times(key)),
        }
        for key in measures.keys
    }
    return data_link("Save the histograms (HDR)", HISTOGRAMS, orjson.dumps(found))


def capacity_histograms_link(capacity: CapacityPart) -> Link:
    """Return a link to the histograms of every stage."""
    found = [
        {
            "strategy": strategy.strategy,
            "stage": stage.number,
            "offered": stage.offered,
            "operation": each.operation,
            "of": each.strategy,
            "unit": "microseconds",
            "hdr": each.histogram,
        }
        for strategy in capacity.strategies
        for stage in strategy.stages
        for each in stage.operations
    ]
    return data_link("Save the stages' histograms (HDR)", STAGES, orjson.dumps(found))


def encoded(times: Times) -> str:
    """Return a histogram as HDR's own compressed text."""
    histogram = HdrHistogram(1, _LONGEST, _DIGITS)
    for bucket, count in times.items():
        histogram.record_value(min(_LONGEST, max(1, microseconds_of(bucket))), count)
    written: bytes = histogram.encode()
    return written.decode()


def data_link(words: str, file: str, content: bytes) -> Link:
    """Return a link that saves this content under this name; nothing is fetched for it."""
    return Link(words, f"data:application/json;base64,{b64encode(content).decode()}", file)
