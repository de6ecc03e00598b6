import io
from pathlib import Path

from rich.console import Console

from outrigger_loadtests.report.console import print_summary
from outrigger_loadtests.report.outcome import Counts
from outrigger_loadtests.verdict import Examination, Verdict


def printed(report, files=(), **options):
    out = io.StringIO()
    print_summary(Console(file=out, width=80, **options), report, files)
    return out.getvalue()


def test_the_summary_begins_with_the_verdict_and_ends_with_the_command(clean_report):
    lines = printed(clean_report).splitlines()
    assert lines[0] == (
        "PASS http://127.0.0.1:8123 (server 1.2.3, profile outrigger): "
        "3 threads, 1,234 operations, 12 s"
    )
    assert lines[-1] == f"again: {clean_report.repeat}"


def test_every_label_has_a_column_with_its_runs_and_invariants(make_report, found):
    text = printed(make_report({("B2", "rollback"): Examination(3, [found()])}))
    rows = [line.split() for line in text.splitlines() if line]
    assert ["reject", "rollback"] in rows
    assert ["verdict", "PASS", "FAIL"] in rows
    assert ["refused", "4", "0"] in rows
    assert ["rolled", "back", "0", "2"] in rows
    assert ["invariants", "PASS", "2", "1"] in rows
    assert ["invariants", "FAIL", "0", "1"] in rows
    assert ["invariants", "not", "tested", "1", "1"] in rows


def test_the_table_of_all_labels_fits_into_eighty_columns(make_report):
    labels = ["reject", "enqueue", "interrupt", "rollback", "mixed"]
    counts = {label: Counts(1234567, 1234567) for label in labels}
    text = printed(make_report(counts=counts))
    assert text.count("1,234,567") == 10
    assert "…" not in text


def test_a_rule_is_one_line_however_long(make_report, found):
    forgiven = found("R1.x", "x2a-7", Verdict.WARN, message="late", reason="it says so")
    results = {
        ("B2", "rollback"): Examination(9, [found(message="long " * 99)] * 3),
        ("R1", "reject"): Examination(9, [forgiven]),
    }
    lines = printed(make_report(results)).splitlines()
    (failed,) = [line for line in lines if line.startswith("FAIL B2")]
    assert failed.startswith("FAIL B2.state_left (3 findings): long long")
    assert failed.endswith("… (thread x2a-1)")
    assert "WARN R1.x (1 finding): late (thread x2a-7) [it says so]" in lines


def test_only_the_worst_rules_are_shown(make_report, found):
    findings = [found(f"B2.way{number}") for number in range(13)]
    text = printed(make_report({("B2", "rollback"): Examination(13, findings)}))
    assert text.count("FAIL B2.") == 10
    assert "… 3 rules left out" in text


def test_the_files_and_notes_are_named(make_report):
    lines = printed(make_report(notes=("slow",), stopped_early=True), [Path("out/verdict.json")])
    assert "stopped early" in lines.splitlines()[0]
    assert "note: slow" in lines
    assert "wrote out/verdict.json" in lines


def test_a_check_that_broke_down_is_named(make_report):
    text = printed(make_report({("B2", "reject"): Examination(crash="KeyError")}))
    assert "B2 reject: the check broke down: KeyError" in text


def test_a_check_of_nothing_is_unknown_and_has_no_table(make_report):
    text = printed(make_report(examinations={}, counts={}))
    assert text.startswith("UNKNOWN ")
    assert "label" not in text


def test_hostile_text_commands_neither_terminal_nor_renderer(hostile_report):
    text = printed(hostile_report)
    assert "\x1b" not in text
    assert "[bold]" in text
    colourful = printed(hostile_report, force_terminal=True, color_system="standard")
    assert "\x1b[31m|" not in colourful


def test_ten_thousand_findings_fit_on_one_screen(make_report, many_findings):
    text = printed(make_report({("B2", "rollback"): many_findings}))
    assert len(text.splitlines()) <= 24
