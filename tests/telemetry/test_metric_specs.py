import re

import pytest

from outrigger_telemetry import metric_specs as specs

BARE = ("process_", "http_server_", "gen_ai_")


@pytest.mark.parametrize("spec", specs.CATALOGUE, ids=lambda spec: spec.name)
def test_constant_is_the_name_in_capitals_without_the_prefix(spec: specs.MetricSpec) -> None:
    constant = spec.name.removeprefix("langgraph_").upper()

    assert getattr(specs, constant) is spec


@pytest.mark.parametrize("spec", specs.CATALOGUE, ids=lambda spec: spec.name)
def test_name_follows_the_conventions(spec: specs.MetricSpec) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.name)
    assert spec.name.startswith(("langgraph_", *BARE))
    assert spec.name.endswith("_total") == (spec.kind == "counter")


@pytest.mark.parametrize("spec", specs.CATALOGUE, ids=lambda spec: spec.name)
def test_histograms_and_only_they_have_rising_buckets(spec: specs.MetricSpec) -> None:
    assert bool(spec.buckets) == (spec.kind == "histogram")
    assert list(spec.buckets) == sorted(set(spec.buckets))


@pytest.mark.parametrize("spec", specs.CATALOGUE, ids=lambda spec: spec.name)
def test_help_is_a_sentence_and_labels_name_no_single_run(spec: specs.MetricSpec) -> None:
    assert spec.help.endswith(".")
    assert not {"run_id", "thread_id", "user"} & set(spec.label_names)


def test_names_are_unique() -> None:
    assert len(specs.BY_NAME) == len(specs.CATALOGUE)
