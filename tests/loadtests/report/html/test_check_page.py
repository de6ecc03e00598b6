import dataclasses
import json
import re
from base64 import b64decode

from hdrh.histogram import HdrHistogram
from msgspec.structs import replace

from fakes.graph_server.bugs import Bug
from harness.capacities import capacity_report, with_finding
from harness.pretended import pretended_check
from outrigger_loadtests.report.html.check_page import check_page
from outrigger_loadtests.report.html.downloads import HISTOGRAMS, histograms_link
from outrigger_loadtests.report.html.page import page_html
from outrigger_loadtests.report.measured_file import read_measures
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.times import count, percentile
from outrigger_loadtests.report.verdict_json import document
from outrigger_loadtests.verdict import Examination, Finding


def page_of(report, measures=None, **more):
    return check_page(document(report), measures or Measures(), {}, **more)


def html_of(report, **more):
    return page_html(page_of(report, **more)).decode()


def section(page, name):
    return next(each for each in page.sections if each.name == name)


def words(table):
    return [[cell.words for cell in row] for row in table.rows]


def test_the_head_says_who_what_and_how(make_report):
    page = page_of(make_report(environment={"cores": "2"}))
    facts = dict(page.facts)
    assert (page.verdict, page.role) == ("PASS", "pass")
    assert facts["Server"] == "http://127.0.0.1:8123, version 1.2.3"
    assert facts["Parameters"] == "strategy all, seed 42, duration 30.0"
    assert facts["Their hash"] == document(make_report()).parameters_hash
    assert facts["Environment"] == "cores 2"
    assert page.repeat.startswith("outrigger-loadtest check")


def test_every_invariant_has_a_row_and_every_strategy_a_column(clean_report):
    (table,) = section(page_of(clean_report), "invariants").tables
    assert table.head == ["invariant", "promise", "reject", "rollback"]
    assert words(table)[0] == ["G1", "an accepted run ends", "PASS 9", "PASS 5"]
    assert words(table)[1][2:] == ["–", "–"]  # noqa: RUF001  a dash: not put to the test


def test_a_finding_is_told_with_its_timeline_as_text(make_report, found):
    finding = found(message="a mark is <left>")
    report = make_report({("B2", "rollback"): Examination(3, [finding])}, timelines={"x2a-1": "░█"})
    html = html_of(report)
    assert "a mark is &lt;left&gt;" in html
    assert "░█" in html
    assert "FAIL 1 of 3" in html


def test_many_findings_are_bounded_and_counted(make_report, many_findings):
    page = page_of(make_report({("B2", "rollback"): many_findings}))
    (first, _) = section(page, "findings").found
    assert len(first.examples) == 5
    assert first.left_out == "… 9,995 findings left out."
    assert len(page_html(page)) < 60_000


def test_a_check_that_broke_down_is_told(make_report):
    html = html_of(make_report({("R1", "mixed"): Examination(crash="KeyError: <x>")}))
    assert "A check broke down: R1 mixed: KeyError: &lt;x&gt;" in html
    assert 'class="banner unknown"' in html


def test_nothing_hostile_is_markup_in_the_page(hostile_page):
    html = page_html(hostile_page).decode()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    for unfit in ("\x1b", "\x00", "\u202e"):
        assert unfit not in html


def test_a_page_asks_for_nothing_from_anywhere(clean_report):
    html = html_of(clean_report)
    assert "default-src 'none'" in html
    assert "<script" not in html
    for source in ("src=", "@import", "url(http", '<link rel="stylesheet'):
        assert source not in html


def test_it_links_to_a_dashboard_with_the_time_only_if_there_is_one(make_report):
    address = "https://grafana.example/d/x"
    (link,) = page_of(make_report(grafana_url=address)).links
    assert link.address == f"{address}?from=1767323015000&to=1767323087340"
    assert page_of(make_report()).links == []
    assert page_of(make_report(started_at="yesterday", grafana_url=address)).links == []
    (other,) = page_of(make_report(grafana_url=address), grafana_url="http://b/?from=1&var=2").links
    assert other.address == "http://b/?var=2&from=1767323015000&to=1767323087340"


def test_a_saved_histogram_is_one_that_other_tools_read(tmp_path):
    measures = read_measures(pretended_check(tmp_path / "run").folder)
    link = histograms_link(measures)
    assert link.file == HISTOGRAMS
    saved = json.loads(b64decode(link.address.partition("base64,")[2]))
    assert set(saved) == set(measures.keys)
    for key, each in saved.items():
        read = HdrHistogram.decode(each["hdr"])
        assert read.get_total_count() == count(measures.times(key))
        known = percentile(measures.times(key), 0.5)
        assert abs(read.get_value_at_percentile(50) / 1000 - known) <= max(0.01, 0.02 * known)


def test_a_picture_stands_beside_each_of_the_first_findings(tmp_path):
    run = pretended_check(tmp_path / "run", [Bug.CHECKPOINT_LEFT])
    assert run.report.verdict == "FAIL"
    assert run.page.count('class="timeline"') >= 3
    ids = re.findall(r'id="([^"]+)"', run.page)
    assert len(ids) == len(set(ids))


def test_a_capacity_is_told_with_its_range_its_objectives_and_every_stage():
    page = page_of(capacity_report({"enqueue": [20.0, 19.4, 21.0]}))
    (capacity,) = section(page, "capacity").tables
    assert words(capacity)[0][:6] == ["enqueue", "PASS", "20", "19.4 to 21", "60", "20, 19.4, 21"]
    (objectives,) = section(page, "objectives").tables
    assert objectives.rows[0][0].words == "p95 first event"
    assert objectives.rows[0][2].role == "pass"
    (stages,) = section(page, "strategy-enqueue").tables
    assert [row[3].words for row in stages.rows].count("did not hold") == 1
    assert "first event p95 is over 500 ms" in stages.rows[3][-1].words


def test_a_broken_promise_is_the_verdict_however_much_a_server_holds():
    report = capacity_report({"enqueue": [20.0, 19.4, 21.0]})
    assert page_of(report).verdict == "PASS"
    finding = Finding("G1.lost", "it is lost", "x2a-1")
    broken = with_finding(report, ("G1", "enqueue"), Examination(50, [finding]))
    assert (page_of(broken).verdict, page_of(broken).role) == ("FAIL", "fail")


def test_a_long_parameter_is_told_below_and_not_in_the_head(make_report):
    report = make_report(parameters={"seed": 42, "behaviour": "x" * 200})
    page = page_of(report)
    assert dict(page.facts)["Parameters"] == "seed 42, …"
    (table,) = section(page, "parameters").tables
    assert words(table) == [["behaviour", "x" * 200]]
    assert section(page_of(make_report()), "parameters").empty


def test_promises_that_were_not_checked_have_no_table():
    report = dataclasses.replace(capacity_report({"enqueue": [20.0, 19.4, 21.0]}), examinations={})
    page = page_of(report)
    assert page.verdict == "PASS"
    assert section(page, "invariants").empty


def test_what_ends_after_a_stage_is_not_what_it_achieved():
    report = capacity_report({"enqueue": [20.0, 19.4, 21.0]})
    first = report.capacity.strategies[0].stages[0]
    late = first.ended - first.cost.drain / 4
    sample = replace(report.capacity.samples[0], at=late, achieved=400.0)
    capacity = replace(report.capacity, samples=(*report.capacity.samples[:10], sample))
    page = page_of(dataclasses.replace(report, capacity=capacity))
    achieved = section(page, "over-time").plots[0].series[1]
    assert [point.x for point in achieved.points] == [first.began + n for n in range(10)]


def test_each_load_is_a_dot_that_held_or_did_not():
    page = page_of(capacity_report({"enqueue": [20.0, 19.4, 21.0]}))
    latency = section(page, "strategy-enqueue").plots[0]
    held, broke = ([p.x for p in each.points] for each in latency.series[1:3])
    assert (held, broke) == ([10.0, 16.0, 20.0], [24.0])
    assert {point.y for point in latency.series[3].points} == {500.0}
