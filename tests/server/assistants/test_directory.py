"""Which assistants a query finds."""

import dataclasses

import pytest

from outrigger_server.assistants.directory import AssistantQuery
from outrigger_server.domain.assistant import system_assistant

ASSISTANT = dataclasses.replace(
    system_assistant("planner", None, 1), name="Trip Planner", metadata={"team": "a", "tier": 1}
)


def query(**wanted):
    defaults = {"graph_id": None, "name": None, "metadata": {}, "sort_by": "name"}
    return AssistantQuery(**defaults | wanted, descending=False, limit=10, offset=0)


@pytest.mark.parametrize("name", [None, "Trip Planner", "trip", "PLAN"])
def test_a_part_of_the_name_is_enough_whatever_its_case(name):
    assert query(name=name).matches(ASSISTANT)


def test_another_name_does_not_match():
    assert not query(name="weather").matches(ASSISTANT)


@pytest.mark.parametrize("metadata", [{}, {"team": "a"}, {"team": "a", "tier": 1}])
def test_all_metadata_asked_for_must_be_there(metadata):
    assert query(metadata=metadata).matches(ASSISTANT)


@pytest.mark.parametrize(
    "metadata", [{"team": "b"}, {"team": "a", "tier": 2}, {"nothing": None, "x": 1}]
)
def test_metadata_that_differs_or_is_missing_does_not_match(metadata):
    assert not query(metadata=metadata).matches(ASSISTANT)
