"""Files of assistants: what is read, and how every fault is named."""

import json
import uuid

import pytest

from outrigger_server.assistants_apply.assistants_file import read_assistants
from outrigger_server.assistants_apply.difference import differences
from outrigger_server.assistants_apply.wanted import derived_id
from outrigger_server.domain.assistant import system_assistant_id
from outrigger_server.errors import ConfigurationError

GOOD = """
assistants:
  - name: Anna
    graph: settings
    description: Does things.
    config: {tags: [t], recursion_limit: 9, configurable: {size: 3}}
    metadata: {team: a}
  - {name: Berta, graph: outer, assistant_id: 1111111111114111811111111111111a}
"""


@pytest.fixture
def read(tmp_path):
    def read(text, name="assistants.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return read_assistants(path)

    return read


@pytest.fixture
def faults(read, tmp_path):
    def faults(text):
        with pytest.raises(ConfigurationError) as caught:
            read(text)
        return [fault.removeprefix(f"{tmp_path}/") for fault in caught.value.faults]

    return faults


def test_yaml_and_json_say_the_same(read):
    anna, berta = read(GOOD)
    assert (anna.name, anna.graph, anna.config["configurable"]) == ("Anna", "settings", {"size": 3})
    assert berta.assistant_id == "11111111-1111-4111-8111-11111111111a"
    as_json = [{"name": "Berta", "graph": "outer", "assistant_id": berta.assistant_id}]
    assert read(json.dumps(as_json), "assistants.json") == [berta]


def test_an_entry_without_an_id_has_the_same_everywhere(read):
    anna = read(GOOD)[0]
    assert anna.assistant_id == derived_id("Anna", "settings") == str(uuid.UUID(anna.assistant_id))
    ids = {derived_id("a", "bc"), derived_id("ab", "c"), derived_id("ab", "d")}
    assert len(ids | {system_assistant_id("c")}) == 4


def test_every_fault_is_named_with_file_entry_and_field(faults):
    text = """
- {name: Anna, colour: red}
- {name: Berta, graph: g, config: {recursion_limit: 0, tags: t, callbacks: []}}
- {name: 3, graph: g, assistant_id: x}
- just text
- {name: Carla, graph: g, assistant_id: x}
- {name: Dora, graph: g, context: {a: 1}, config: {configurable: {a: 2}}}
- {name: Emma, graph: g, metadata: {since: 2026-01-01, deep: [{at: 2026-01-01}]}}
"""
    assert faults(text) == [
        "assistants.yaml: entry 1 (Anna): graph: this field is required",
        "assistants.yaml: entry 1 (Anna): colour: there is no such field",
        "assistants.yaml: entry 2 (Berta): config.tags: input should be a valid list",
        (
            "assistants.yaml: entry 2 (Berta): config.recursion_limit: "
            "input should be greater than or equal to 1"
        ),
        "assistants.yaml: entry 2 (Berta): config.callbacks: there is no such field",
        "assistants.yaml: entry 3: name: input should be a valid string",
        "assistants.yaml: entry 4: an entry is an object with at least name and graph",
        "assistants.yaml: entry 5 (Carla): assistant_id: 'x' is not a UUID",
        (
            "assistants.yaml: entry 6 (Dora): context: "
            "give either this or config.configurable, not both"
        ),
        (
            "assistants.yaml: entry 7 (Emma): metadata.since: "
            "datetime.date(2026, 1, 1) is not JSON; quote what is not meant as a date"
        ),
        (
            "assistants.yaml: entry 7 (Emma): metadata.deep.0.at: "
            "datetime.date(2026, 1, 1) is not JSON; quote what is not meant as a date"
        ),
    ]


def test_the_same_assistant_twice_is_a_fault(faults):
    (fault,) = faults("[{name: Anna, graph: g}, {name: Anna, graph: g}]")
    assert "Anna and Anna are the same assistant" in fault


@pytest.mark.parametrize("text", ["", "x", "{}", "{assistants: 3}", "{assistants: [], more: 1}"])
def test_another_shape_is_refused(faults, text):
    (fault,) = faults(text)
    assert "give a list of assistants" in fault


@pytest.mark.parametrize("text", ["[{", "a: b: c", "!!python/object:os.system {}", "[\x01]"])
def test_what_is_no_yaml_is_refused(faults, text):
    (fault,) = faults(text)
    assert "not YAML or JSON: " in fault


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing\.yaml: cannot be read: No such file"):
        read_assistants(tmp_path / "nothing.yaml")


def present(wanted, **fields):
    shown = {**wanted.shown(), "graph_id": wanted.graph, "version": 1}
    return shown | fields


def test_what_is_as_it_should_be_differs_in_nothing(read):
    anna = read(GOOD)[0]
    assert differences(present(anna), anna) == {}
    more = {**anna.metadata, "created_by": "someone"}
    assert differences(present(anna, metadata=more), anna) == {}


def test_a_difference_is_shown_line_by_line_in_its_field(read):
    anna = read(GOOD)[0]
    other = {"configurable": {"size": 4}, "recursion_limit": 9, "tags": ["t"]}
    changed = differences(present(anna, config=other, description=None), anna)
    assert list(changed) == ["description", "config"]
    assert changed["description"].splitlines()[2:] == ["+Does things."]
    assert '-    "size": 4' in changed["config"]
    assert '+    "size": 3' in changed["config"]


def test_a_new_assistant_differs_in_what_it_has(read):
    berta = read(GOOD)[1]
    assert list(differences(None, berta)) == ["graph", "name"]
