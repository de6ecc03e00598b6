"""Comparing what was really searched for, in simulated time, before servers of known rates."""

import dataclasses

import msgspec
import pytest

from harness.capacities import capacity_report
from harness.capacity_trials import queue_fleet, settings, trial
from outrigger_loadtests.report.comparison.compare import Exit, Outcome, compare
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.verdict_json import document

RATE = 20.0


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Search for the capacity of a server; other people come with each seed."""

    def search(rate, seed):
        given = settings(
            tmp_path_factory.mktemp("compared"), seed=seed, repeats=3, start=16.0, stage=30.0
        )
        found = trial(given, queue_fleet(rate)).measure("enqueue")
        report = capacity_report({})
        capacity = msgspec.structs.replace(report.capacity, strategies=(found,))
        return Outcome(document(dataclasses.replace(report, capacity=capacity)), Measures())

    return search


@pytest.fixture(scope="module")
def base(measured):
    return measured(RATE, seed=10)


def test_a_build_that_lost_a_fifth_is_worse(base, measured):
    comparison = compare(base, measured(0.8 * RATE, seed=30))
    assert comparison.exit_code is Exit.WORSE


def test_a_rerun_with_other_people_is_the_same(base, measured):
    comparison = compare(base, measured(RATE, seed=20))
    assert (comparison.exit_code, comparison.doubts) == (Exit.SAME, [])
