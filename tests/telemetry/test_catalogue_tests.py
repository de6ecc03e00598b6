"""No metric without a test that makes it move."""

import ast
import functools
from pathlib import Path

import pytest

from outrigger_telemetry.metric_specs import BY_NAME
from telemetry.catalogue_tests import TESTS

ROOT = Path(__file__).parents[2]


@functools.cache
def parts_of(path: Path) -> tuple[dict[str, str], str]:
    """The text of each test of a file, by its name, and the text that is in none of them."""
    text = path.read_text(encoding="utf-8")
    tests: dict[str, str] = {}
    shared = []
    for node in ast.parse(text).body:
        source = ast.get_source_segment(text, node) or ""
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if is_function and node.name.startswith("test_"):
            tests[node.name] = source
        elif not isinstance(node, (ast.Import, ast.ImportFrom)):
            shared.append(source)
    return tests, "\n".join(shared)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_metric_is_shown_to_move(name: str) -> None:
    assert name in TESTS, f"{name}: say in catalogue_tests.py which test does it"


@pytest.mark.parametrize("name", sorted(TESTS))
def test_the_test_that_is_named_is_there_and_looks_at_the_metric(name: str) -> None:
    file, _, function = TESTS[name].partition("::")
    tests, shared = parts_of(ROOT / file)
    assert function in tests, f"{file} has no {function}"
    looked_at = tests[function] + shared
    assert name in looked_at or name.removeprefix("langgraph_").upper() in looked_at


def test_no_test_is_named_for_a_metric_that_is_not_there() -> None:
    assert TESTS.keys() <= BY_NAME.keys()
