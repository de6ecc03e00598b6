import json
from xml.etree import ElementTree as ET

import pytest

from outrigger_loadtests.report.files import replace, write_report


def test_all_files_are_written_and_nothing_else(clean_report, tmp_path):
    directory = tmp_path / "deep" / "report"
    paths = write_report(clean_report, directory)
    names = ["report.html", "measures.json", "summary.md", "junit.xml", "verdict.json"]
    assert [path.name for path in paths] == names
    assert sorted(directory.iterdir()) == sorted(paths)
    assert (directory / "summary.md").read_text().startswith("# PASS")
    assert ET.parse(directory / "junit.xml").getroot().tag == "testsuites"
    assert json.loads((directory / "verdict.json").read_bytes())["verdict"] == "PASS"


def test_a_report_replaces_the_one_before(clean_report, make_report, tmp_path):
    write_report(clean_report, tmp_path)
    write_report(make_report(examinations={}), tmp_path)
    assert json.loads((tmp_path / "verdict.json").read_bytes())["verdict"] == "UNKNOWN"


def test_a_hostile_report_can_be_written(hostile_report, tmp_path):
    for path in write_report(hostile_report, tmp_path):
        path.read_bytes().decode()


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path):
    occupied = tmp_path / "verdict.json"
    (occupied / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"verdict\.json"):
        replace(occupied, b"{}")
    assert list(tmp_path.iterdir()) == [occupied]
