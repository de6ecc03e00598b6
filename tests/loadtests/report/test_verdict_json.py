import json
from pathlib import Path

import msgspec
import pytest

from outrigger_loadtests.report import verdict_json as module
from outrigger_loadtests.report.findings import TIMELINES
from outrigger_loadtests.report.verdict_json import Document, schema_json, verdict_json
from outrigger_loadtests.verdict import Examination, Verdict

SCHEMA_FILE = Path(module.__file__).with_name("verdict.schema.json")
WRITE_IT = """write it anew:
python -c 'from outrigger_loadtests.report.verdict_json import schema_json as schema
print(schema().decode(), end="")' > loadtests/outrigger_loadtests/report/verdict.schema.json"""

TYPES = {
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": None.__class__,
    "array": list,
    "object": dict,
}


def faults(value, schema, whole, where="$"):
    """Yield where a value departs from a JSON Schema, as far as our schema uses the language."""
    known = {"title", "description", "$schema", "$defs", "$ref", "type", "enum", "anyOf", "items"}
    known |= {"properties", "required", "additionalProperties", "minItems", "maxItems"}
    known |= {"prefixItems", "default"}
    assert set(schema) <= known, f"this test does not know {set(schema) - known}"
    if "$ref" in schema:
        yield from faults(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, where)
        return
    if "anyOf" in schema and all(
        list(faults(value, each, whole, where)) for each in schema["anyOf"]
    ):
        yield f"{where} is none of those it can be"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}"
    if "type" not in schema:
        return
    if not isinstance(value, TYPES[schema["type"]]) or (
        isinstance(value, bool) and schema["type"] != "boolean"
    ):
        yield f"{where} is no {schema['type']}"
    elif isinstance(value, dict):
        yield from faults_of_object(value, schema, whole, where)
    elif isinstance(value, list):
        yield from faults_of_array(value, schema, whole, where)


def faults_of_object(value, schema, whole, where):
    yield from (
        f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value
    )
    properties = schema.get("properties", {})
    for name, each in value.items():
        further = schema.get("additionalProperties", False)
        if name not in properties and further is False:
            yield f"{where}.{name} is not in the schema"
        else:
            yield from faults(each, properties.get(name, further), whole, f"{where}.{name}")


def faults_of_array(value, schema, whole, where):
    first = schema.get("prefixItems", [])
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{where} has {len(value)} items"
    for number, each in enumerate(value):
        rule = first[number] if number < len(first) else schema["items"]
        yield from faults(each, rule, whole, f"{where}[{number}]")


def read(report):
    return json.loads(verdict_json(report))


def test_the_schema_in_the_package_is_that_of_the_code():
    assert SCHEMA_FILE.read_bytes() == schema_json(), WRITE_IT


@pytest.mark.parametrize("name", ["clean_report", "hostile_report", "failed_report"])
def test_the_document_is_what_its_schema_says(request, name):
    schema = json.loads(SCHEMA_FILE.read_bytes())
    assert list(faults(read(request.getfixturevalue(name)), schema, schema)) == []


def test_a_document_that_departs_from_the_schema_is_noticed(clean_report):
    schema = json.loads(SCHEMA_FILE.read_bytes())
    document = read(clean_report)
    document["verdict"] = "GOOD"
    document["labels"][0]["counts"]["accepted"] = "9"
    document["surplus"] = 1
    del document["rules"]
    assert len(list(faults(document, schema, schema))) == 4


def test_the_document_can_be_read_back(failed_report):
    document = msgspec.json.decode(verdict_json(failed_report), type=Document)
    assert document == module.document(failed_report)


@pytest.fixture
def failed_report(make_report, many_findings, found):
    forgiven = found("G8.idle", "x2a-2", Verdict.WARN, reason="it says so")
    many_ids = found("R1.x", runs=tuple(map(str, range(99))), checkpoints=("c",), between=(1, 2))
    return make_report(
        {
            ("B2", "rollback"): many_findings,
            ("G8", "reject"): Examination(4, [forgiven]),
            ("R1", "reject"): Examination(4, [many_ids]),
            ("G1", "mixed"): Examination(crash="KeyError"),
        },
        timelines={f"x2a-{number}": "text" for number in range(100)},
        stopped_early=True,
        parameters={"seed": 1 << 70, "rate": 0.5, "probe": None},
    )


def test_the_document_names_its_schema_verdict_and_target(clean_report):
    document = read(clean_report)
    assert document["schema"] == "outrigger-loadtest/verdict/1"
    assert (document["verdict"], document["exit_code"]) == ("PASS", 0)
    assert document["target"] == {
        "url": "http://127.0.0.1:8123",
        "server": "1.2.3",
        "profile": "outrigger",
    }
    assert document["parameters"] == {"strategy": "all", "seed": 42, "duration": 30.0}
    assert document["parameters_hash"] == clean_report.parameters_hash
    assert document["stopped_early"] is False


def test_every_invariant_has_a_result_for_every_label(clean_report):
    invariants = read(clean_report)["invariants"]
    assert [each["name"] for each in invariants] == ["G1", "B2", "R1"]
    assert {len(each["results"]) for each in invariants} == {2}
    untested = {"label": "rollback", "verdict": None, "examined": 0, "findings": 0}
    assert invariants[1]["verdict"] is None
    assert invariants[2]["results"][1] == untested


def test_labels_carry_their_counts(clean_report):
    reject, rollback = read(clean_report)["labels"]
    assert (reject["label"], reject["counts"]["refused"]) == ("reject", 4)
    assert (rollback["verdict"], rollback["counts"]["rolled_back"]) == ("PASS", 2)


def test_findings_are_bounded_and_their_total_is_told(failed_report):
    document = read(failed_report)
    assert document["findings"] == 10_003
    rule = next(each for each in document["rules"] if each["rule"] == "B2.state_left")
    assert (rule["total"], rule["threads"], len(rule["examples"])) == (10_000, 5_000, 20)
    assert len(document["timelines"]) == TIMELINES
    assert len(verdict_json(failed_report)) < 100_000


def test_a_finding_has_its_ids_and_says_how_many_there_are(failed_report):
    rule = next(each for each in read(failed_report)["rules"] if each["rule"] == "R1.x")
    (example,) = rule["examples"]
    assert (example["runs_total"], len(example["runs"])) == (99, 20)
    assert (example["checkpoints"], example["between"]) == (["c"], [1, 2])


def test_a_warning_has_its_reason_and_a_crash_its_error(failed_report):
    document = read(failed_report)
    assert document["rules"][-1]["verdict"] == "WARN"
    assert document["rules"][-1]["reason"] == "it says so"
    assert document["crashes"] == [{"invariant": "G1", "label": "mixed", "error": "KeyError"}]


def test_a_number_too_large_for_json_readers_is_text(failed_report):
    assert read(failed_report)["parameters"]["seed"] == str(1 << 70)
