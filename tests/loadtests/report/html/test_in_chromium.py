"""The page in a real browser: nothing is fetched, nobody complains, there is something to see."""

import json

import pytest

from fakes.graph_server.bugs import Bug
from harness.capacities import capacity_report, written_capacity
from harness.chromium import chromium_tab
from harness.pretended import pretended_check
from outrigger_loadtests.report.html.downloads import HISTOGRAMS
from outrigger_loadtests.report.html.page import page_html

MARKS = """JSON.stringify([...document.querySelectorAll('svg.plot')].map(plot => ({
  title: plot.querySelector('title').textContent,
  seen: [...plot.querySelectorAll('.mark')].filter(mark => {
    const box = mark.getBBox()
    return Number.isFinite(box.x) && Number.isFinite(box.y) && box.width + box.height > 0
  }).length,
})))"""
BANDS = "document.querySelectorAll('.plot .band.{}').length"
LENGTHS = (
    "JSON.stringify([...document.querySelectorAll('.forbidden')].filter(each => each.tagName"
    " === 'path').map(path => path.getTotalLength()))"
)
GROUND = "getComputedStyle(document.body).backgroundColor"
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def must_be_quiet(tab, path):
    assert tab.complaints == []
    assert {each for each in tab.requests if not each.startswith("data:")} == {path.as_uri()}


async def test_every_plot_of_a_check_has_marks_and_faults_are_bands(tmp_path):
    faults = [("kill worker", 2.0, 3.5), ("restart redis", 5.0, 6.0)]
    path = pretended_check(tmp_path / "run", faults=faults).folder / "report.html"
    async with chromium_tab() as tab:
        await tab.open(path.as_uri())
        plots = json.loads(await tab.ask(MARKS))
        assert len(plots) == 6
        assert all(plot["seen"] for plot in plots), plots
        assert await tab.ask(BANDS.format("fault")) == 2 * 5  # of the six plots one has no time
        assert await tab.ask(BANDS.format("stage")) == 5
        light = await tab.ask(GROUND)
        must_be_quiet(tab, path)
        saved = await tab.ask(
            f"document.querySelector('a[download={json.dumps(HISTOGRAMS)}]').href"
        )
        assert saved.startswith("data:application/json;base64,")
        assert not await tab.ask(OVERFLOWS)
        await tab.open(path.as_uri(), dark=True, width=420)
        assert await tab.ask(GROUND) != light
        assert not await tab.ask(OVERFLOWS)


@pytest.mark.parametrize("bug", [Bug.OLD_START, Bug.CHECKPOINT_LEFT])
async def test_every_finding_has_a_picture_with_the_forbidden_edge(tmp_path, bug):
    run = pretended_check(tmp_path / "run", [bug])
    path = run.folder / "report.html"
    async with chromium_tab() as tab:
        await tab.open(path.as_uri())
        must_be_quiet(tab, path)
        pictures = await tab.ask("document.querySelectorAll('svg.timeline').length")
        edges = json.loads(await tab.ask(LENGTHS))
        assert pictures > 0
        assert len(edges) >= pictures
        assert all(length > 5 for length in edges)
        assert await tab.ask("document.querySelectorAll('rect.definitely').length") > 0
        assert await tab.ask("document.querySelectorAll('path.parent').length") > 0


async def test_every_plot_of_a_capacity_test_has_marks_and_stages_are_bands(tmp_path):
    report = capacity_report({"enqueue": [20.0, 19.4, 21.0], "interrupt": [33.0, 31.0, 32.0]})
    path = written_capacity(tmp_path, report) / "report.html"
    async with chromium_tab() as tab:
        await tab.open(path.as_uri())
        must_be_quiet(tab, path)
        plots = json.loads(await tab.ask(MARKS))
        assert len(plots) == 3 + 2 * 3
        assert all(plot["seen"] for plot in plots), plots
        assert await tab.ask(BANDS.format("stage")) == 3 * 16


async def test_what_users_and_servers_say_is_text_and_never_markup(hostile_page, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(page_html(hostile_page))
    async with chromium_tab() as tab:
        await tab.open(path.as_uri())
        must_be_quiet(tab, path)
        assert await tab.ask("document.querySelectorAll('b, script, img, iframe').length") == 0
        assert "<b>" in await tab.ask("document.body.textContent")
