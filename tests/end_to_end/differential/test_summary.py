"""The document's rows say what was found, whatever that is."""

from harness.differential.case import case as make_case
from harness.differential.case import get, of_noun, post
from harness.differential.chosen import Chosen
from harness.differential.compare import Difference
from harness.differential.routes import NOT_YET, Route
from harness.differential.session import Compared
from harness.differential.summary import UNLISTED, summary

ROUTES = [Route("/a", "POST"), Route("/a/{id}", "GET"), Route("/b", "GET")]
(CASE,) = of_noun("a", make_case("case", post("/a"), get("/a/{id}"), get("/a/{id}")))
ANSWERS = [{"status": 200, "headers": {}, "body": 1}] * 2 + [{"status": 200, "frames": []}]


def rows(*differences: Difference, routes=ROUTES):
    compared = Compared(CASE, ANSWERS, ANSWERS, list(differences))
    return summary([compared], routes, [Chosen("why", "*", "body")])


def differing(step: int, place: str) -> Difference:
    return Difference("a/case", step, place, 1, 2)


def test_alike_answers_have_aspects_without_decisions() -> None:
    first, second, third = rows()
    assert (first["calls"], first["differing"]) == (1, {"status": [], "headers": [], "body": []})
    assert (second["calls"], list(second["differing"])) == (
        2,
        ["status", "headers", "body", "frames"],
    )
    assert (third["calls"], third["differing"]) == (0, {})


def test_a_meant_difference_is_named_and_another_one_too() -> None:
    first, second, _ = rows(differing(1, "body.x"), differing(3, "frames.0.data"))
    assert first["differing"] == {"status": [], "headers": [], "body": ["why"]}
    assert second["differing"]["frames"] == [UNLISTED]


def test_an_answer_that_never_came_counts_as_its_status() -> None:
    first, *_ = rows(differing(1, "not asked"))
    assert first["differing"]["status"] == [UNLISTED]


def test_what_is_not_served_has_no_calls() -> None:
    method, path = NOT_YET[0]
    (row,) = rows(routes=[Route(path, method)])
    assert row == {"method": method, "path": path, "served": False}
