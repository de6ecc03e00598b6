"""A run as the protocol shows it."""

from dataclasses import replace

from outrigger_server.domain.run import Run, RunStatus
from outrigger_server.domain.shown_run import RUN_FIELDS, run_json

RUN = Run(
    run_id="r",
    thread_id="t",
    assistant_id="a",
    graph_id="g",
    status=RunStatus.PENDING,
    multitask_strategy="enqueue",
    metadata={"k": "v"},
    kwargs={"input": 1, "config": {"tags": ["x"], "configurable": {"c": 1}}},
    created_at=0,
    updated_at=0,
)


def test_a_run_shows_its_fields_in_order():
    assert tuple(run_json(RUN)) == RUN_FIELDS


def test_its_configuration_shows_its_metadata():
    config = {"tags": ["x"], "configurable": {"c": 1}, "metadata": {"k": "v"}}
    assert run_json(RUN)["kwargs"] == {"input": 1, "config": config}


def test_its_configuration_shows_the_checkpoint_that_it_starts_from():
    kwargs = run_json(replace(RUN, kwargs={**RUN.kwargs, "checkpoint_id": "p"}))["kwargs"]
    assert kwargs["config"]["configurable"] == {"c": 1, "checkpoint_id": "p"}
    assert "checkpoint_id" not in kwargs


def test_showing_a_run_leaves_it_as_it_is():
    run = replace(RUN, kwargs={"checkpoint_id": "p", "config": {}})
    run_json(run)
    assert run.kwargs == {"checkpoint_id": "p", "config": {}}


def test_a_start_inside_a_subgraph_names_the_checkpoints_around_it():
    start = {"checkpoint_id": "p", "checkpoint_ns": "child:1", "checkpoint_map": {"": "o"}}
    shown = run_json(replace(RUN, kwargs={"config": {}, **start}))["kwargs"]
    assert shown == {"config": {"configurable": start, "metadata": {"k": "v"}}}
