"""The comparer finds planted differences, and what must differ on any two servers is none."""

import pytest

from harness.differential.compare import differences
from harness.differential.normalise import Normaliser, ids_in
from harness.differential.session import comparable

A, B, C, D = (f"01a20000-0000-7000-8000-00000000000{digit}" for digit in "1234")
URL = "http://127.0.0.1:1"
ANSWER = {
    "status": 200,
    "headers": {"content-type": "text/event-stream"},
    "frames": [
        {"event": "metadata", "data": {"run_id": A, "attempt": 1}},
        {"event": "values", "data": {"log": ["in"], "at": "2026-01-01T00:00:00+00:00"}},
    ],
}


def changed(place, value):
    """The answer with another value at a place; without the place when the value is `del`."""
    tree = {"status": 200, "headers": dict(ANSWER["headers"])}
    tree["frames"] = [{**each, "data": dict(each["data"])} for each in ANSWER["frames"]]
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    inner = tree
    for part in way:
        inner = inner[part]
    if value == "del":
        del inner[last]
    else:
        inner[last] = value
    return tree


def found(official, ours, named=()):
    left, right = (comparable([answer], URL, set(named)) for answer in (official, ours))
    return [each.place for each in differences("case", left, right)]


def test_an_answer_is_like_itself() -> None:
    assert found(ANSWER, ANSWER) == []


def test_other_ids_and_times_at_the_same_places_are_alike() -> None:
    other = changed("frames.0.data.run_id", B)
    other["frames"][1]["data"]["at"] = "2027-02-03T04:05:06.789+00:00"
    assert found(ANSWER, other) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("status", 404),
        ("headers.content-type", "application/json"),
        ("headers.content-type", "del"),
        ("frames.0.event", "values"),
        ("frames.0.data.attempt", 2),
        ("frames.0.data.attempt", 1.0),
        ("frames.0.data.attempt", True),
        ("frames.0.data.run_id", None),
        ("frames.0.data.run_id", "del"),
        ("frames.0.data.more", 1),
        ("frames.0.id", "1795388724677-0"),
        ("frames.1.data.log", []),
        ("frames.1.data.log", ["in", "more"]),
        ("frames.1.data.log", {"0": "in"}),
        ("frames.1.data.at", "2026-01-01T00:00:00Z"),
        ("frames.1.data.at", "yesterday"),
        ("frames.1", "del"),
    ],
)
def test_a_planted_difference_is_found_on_either_side(place: str, value: object) -> None:
    planted = changed(place, value)
    for pair in ((ANSWER, planted), (planted, ANSWER)):
        places = found(*pair)
        assert places
        assert all(each.startswith(place) for each in places)


def test_frames_in_another_order_differ() -> None:
    swapped = {**ANSWER, "frames": ANSWER["frames"][::-1]}
    assert "frames.0.event" in found(ANSWER, swapped)


def test_the_same_id_must_come_back_where_it_came_back_before() -> None:
    same, other = {"a": A, "b": A}, {"a": C, "b": D}
    assert found({"body": same}, {"body": other}) == ["body.b"]
    assert found({"body": same}, {"body": {"a": C, "b": C}}) == []


def test_an_id_that_the_case_names_must_be_that_very_one() -> None:
    assert found({"body": A}, {"body": B}, named=[A]) == ["body"]
    assert ids_in({"path": f"/threads/{A}", "body": [B]}) == {A, B}


def test_ids_are_remembered_from_step_to_step() -> None:
    def case(first, second):
        return comparable([{"body": first}, {"body": second}], URL, set())

    assert differences("case", case(A, A), case(B, B)) == []
    (difference,) = differences("case", case(A, A), case(B, C))
    assert (difference.step, difference.place) == (2, "body")


def test_ids_within_texts_and_keys_and_the_servers_address_are_normal() -> None:
    ours = Normaliser("http://127.0.0.1:2", ())
    shown = ours.answer(1, {"body": {A: f"child:{A}|x", "url": "http://127.0.0.1:2/x", "n": "ab"}})
    name = "<id of 1.body.key>"
    assert shown["body"] == {name: f"child:{name}|x", "url": "<server>/x", "n": "ab"}


def test_an_assistants_version_is_no_version_of_the_server() -> None:
    assert found({"body": {"version": 1}}, {"body": {"version": 2}}) == ["body.version"]
    assert found({"body": {"langgraph_version": 1}}, {"body": {"langgraph_version": 2}}) == []
