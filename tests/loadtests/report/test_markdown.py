import re

import pytest
from markdown_it import MarkdownIt

from harness.capacities import capacity_report, with_finding
from outrigger_loadtests.report.markdown import fenced, inline, summary_markdown
from outrigger_loadtests.report.text import NOTHING
from outrigger_loadtests.verdict import Examination, Verdict


def tokens(text):
    return MarkdownIt("commonmark").enable("table").parse(text)


def table_rows(text, heading):
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [re.split(r" ?(?<!\\)\| ?", line)[1:-1] for line in lines]


def test_the_first_line_is_the_verdict_and_the_target(clean_report, make_report, found):
    first = summary_markdown(clean_report).splitlines()[0]
    assert first == "# PASS: double-texting on http://127.0.0.1:8123"
    stopped = make_report({("B2", "reject"): Examination(1, [found()])}, stopped_early=True)
    first = summary_markdown(stopped).splitlines()[0]
    assert first == "# FAIL: double-texting on http://127.0.0.1:8123, stopped early"


def test_the_summary_says_what_was_tested_and_how(clean_report):
    text = summary_markdown(clean_report)
    assert "Server: 1.2.3, judged as outrigger" in text
    assert "3 threads, 1,234 operations, 0 findings" in text
    assert f"strategy all, seed 42, duration 30.0 (hash {clean_report.parameters_hash})" in text


def test_the_table_shows_every_invariant_with_every_label(make_report, found):
    results = {
        ("B2", "rollback"): Examination(120, [found()] * 3),
        ("G1", "mixed"): Examination(crash="KeyError"),
        ("R1", "mixed"): Examination(2, [found(verdict=Verdict.WARN)]),
    }
    rows = table_rows(summary_markdown(make_report(results)), "Invariants")
    assert rows[0] == ["Invariant", "Promise", "reject", "rollback", "mixed"]
    assert rows[2:] == [
        ["G1", "an accepted run ends", "PASS 9", "PASS 5", "UNKNOWN 0"],
        ["B2", "nothing is left", NOTHING, "**FAIL** 3 of 120", NOTHING],
        ["R1", "a 409 has a reason", "PASS 7", NOTHING, "WARN 1 of 2"],
    ]


def test_the_runs_of_every_label_are_counted(clean_report):
    rows = table_rows(summary_markdown(clean_report), "Runs")
    assert rows[0][-1] == "rolled back"
    assert rows[3] == ["rollback", "PASS", "5", "0", "0", "3", "0", "0", "2"]


def test_a_rule_shows_five_findings_their_total_a_timeline_and_how_to_do_it_again(
    make_report, found
):
    findings = [found(thread=f"t{number}", message=f"m{number}") for number in range(12)]
    report = make_report(
        {("B2", "rollback"): Examination(50, findings)}, timelines={"t0": "a\n b", "t9": "unused"}
    )
    text = summary_markdown(report)
    assert "### FAIL B2.state\\_left" in text
    assert "nothing is left: 12 findings on 12 threads (rollback 12)" in text
    assert [f"{number + 1}. m{number}\n" in text for number in range(6)] == [True] * 5 + [False]
    assert "… 7 findings left out." in text
    fences = [each.content for each in tokens(text) if each.type == "fence"]
    assert fences == ["a\n b\n", f"{report.repeat}\n"]
    assert "Seed 42. To do it again:" in text


def test_a_thread_s_timeline_is_shown_once(make_report, found):
    findings = [found("B2.a", "t"), found("B2.b", "t")]
    report = make_report({("B2", "rollback"): Examination(5, findings)}, timelines={"t": "bars"})
    text = summary_markdown(report)
    assert text.count("bars") == 1
    assert text.count("Its timeline is above.") == 1


def test_a_warning_is_one_line_with_its_reason(make_report, found):
    forgiven = [found("G1.idle", verdict=Verdict.WARN, reason="it says so", message="idle")] * 2
    text = summary_markdown(make_report({("G1", "reject"): Examination(5, forgiven)}))
    assert "- G1.idle, 2 findings: it says so. First: idle" in text
    assert "## Findings" not in text


def test_a_check_that_broke_down_is_named(make_report):
    text = summary_markdown(make_report({("B2", "reject"): Examination(crash="KeyError: 'x'")}))
    assert "## Checks that broke down\n\n- B2 reject: KeyError: 'x'" in text


def test_ten_thousand_findings_stay_small(make_report, many_findings):
    text = summary_markdown(make_report({("B2", "rollback"): many_findings}))
    assert "… 9,995 findings left out." in text
    assert len(text) < 5_000


def test_notes_are_bounded(make_report):
    text = summary_markdown(make_report(notes=tuple(map(str, range(25)))))
    assert "- Note: 19\n- … 5 notes left out" in text


def test_hostile_text_makes_no_markup(hostile_report):
    text = summary_markdown(hostile_report)
    parsed = tokens(text)
    inlined = [child.type for each in parsed for child in each.children or []]
    assert set(inlined) <= {"text", "softbreak", "strong_open", "strong_close"}
    assert not [each for each in parsed if each.type.startswith("html")]
    assert len([each for each in parsed if each.type == "fence"]) == 2
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    text.encode()


def test_hostile_text_keeps_tables_whole(hostile_report):
    rows = [each for each in tokens(summary_markdown(hostile_report)) if each.type == "td_open"]
    labels = len(hostile_report.labels)
    assert len(rows) == 9 * labels + (2 + labels) * len(hostile_report.invariants)


@pytest.mark.parametrize("text", ["# a", "- a", "+ a", "1. a", "12) a", "> a", "=== a", "| a |"])
def test_inline_text_begins_nothing(text):
    kinds = [each.type for each in tokens(inline(text))]
    assert kinds == ["paragraph_open", "inline", "paragraph_close"]
    assert tokens(inline(text))[1].children[0].content


def test_a_fence_is_longer_than_any_within():
    (block,) = tokens("\n".join(fenced("a\n````\nb")))
    assert (block.type, block.content) == ("fence", "a\n````\nb\n")


def test_a_capacity_is_told_by_strategy_under_its_objectives():
    text = summary_markdown(capacity_report({"enqueue": [20.0, 19.4, 21.0]}))
    assert text.startswith("# PASS: capacity of http://127.0.0.1:8123\n")
    assert "Under p95 first\\_event at most 0.5 s, at most 1.00% errors." in text
    assert table_rows(text, "Capacity")[2][:5] == ["enqueue", "PASS", "20", "19.4 to 21", "60"]


def test_a_broken_promise_comes_before_a_capacity(found):
    report = capacity_report({"enqueue": [20.0, 19.4, 21.0]})
    broken = with_finding(report, ("G1", "enqueue"), Examination(50, [found("G1.lost")]))
    assert summary_markdown(broken).startswith("# FAIL: double-texting on")
