"""No promise without a test: every rule that a checker can report is shown by a story here."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

from outrigger_loadtests import checkers, judging
from outrigger_loadtests.checkers.catalogue import INVARIANTS

FILES = sorted(Path(inspect.getfile(checkers)).parent.glob("*.py"))
SHOWN = re.compile(r'"([A-Z]\d+\.\w+)"(?! not in)')
STORIES = [
    path for path in Path(__file__).parent.glob("test_*.py") if path.stem != "test_catalogue"
]

Functions = Mapping[str, ast.FunctionDef]


def functions() -> dict[str, ast.FunctionDef]:
    found: dict[str, ast.FunctionDef] = {}
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                found[f"{path.stem}.{node.name}"] = node
                found.setdefault(node.name, node)
    return found


def texts(node: ast.expr, known: Mapping[str, str]) -> list[str]:
    """What an argument may be; `*` stands for what only a run of it would tell."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name):
            return [known.get(name, "*")]
        case ast.IfExp(body=one, orelse=other):
            return [*texts(one, known), *texts(other, known)]
        case ast.JoinedStr(values=parts):
            return ["".join(each) for each in product(*(texts(part, known) for part in parts))]
        case ast.FormattedValue(value=value):
            return texts(value, known)
    return ["*"]


def ways(
    all_functions: Functions, module: str, name: str, known: Mapping[str, str]
) -> Iterator[str]:
    """The ways in which a check can be broken, also in the functions that it calls."""
    function = all_functions.get(f"{module}.{name}") or all_functions[name]
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "found":
            yield from texts(node.args[0], known)
        elif isinstance(node.func, ast.Name) and node.func.id != name:
            called = all_functions.get(f"{module}.{node.func.id}") or all_functions.get(
                node.func.id
            )
            if called is not None:
                parameters = [each.arg for each in called.args.args]
                given = {
                    parameter: texts(argument, known)[0]
                    for parameter, argument in zip(parameters, node.args, strict=False)
                }
                yield from ways(all_functions, module, node.func.id, given)


def all_rules() -> list[str]:
    found = functions()
    others = SHOWN.findall(inspect.getsource(judging))
    return sorted(
        {*others}
        | {
            f"{each.name}.{way}"
            for each in INVARIANTS
            for way in ways(
                found, each.check.__module__.rpartition(".")[2], each.check.__name__, {}
            )
        }
    )


def shown_rules() -> set[str]:
    """The rules that a test finds, not those of which it says that they are not found."""
    found: set[str] = set()
    for path in STORIES:
        found |= set(SHOWN.findall(path.read_text(encoding="utf-8")))
    return found


def may_be(rule: str, shown: str) -> bool:
    return re.fullmatch(re.escape(rule).replace(r"\*", r"\w+"), shown) is not None


RULES = all_rules()


def test_rules_are_found_in_checks_and_in_what_they_call():
    assert {"G3.fork", "E3.not_from_the_end", "B4.readers_end_late", "C1.half"} <= set(RULES)
    assert len(RULES) > 100


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_shown_by_a_story(rule):
    assert any(may_be(rule, each) for each in shown_rules()), f"no test shows {rule}"


def test_no_test_names_a_rule_that_is_not_there():
    shown = shown_rules()
    assert not [each for each in shown if not any(may_be(rule, each) for rule in RULES)]


def test_every_invariant_is_there_once():
    names = [each.name for each in INVARIANTS]
    assert len(set(names)) == len(names)


def test_every_invariant_says_what_it_promises():
    assert all(each.promise for each in INVARIANTS)


def test_every_check_names_its_invariant():
    assert all(each.name in (each.check.__doc__ or "") for each in INVARIANTS)
