import re
from xml.etree import ElementTree as ET

from outrigger_loadtests.report.html.plot import Band, Plot, Point, Series, legend, plot_svg


def drawn(*values, bands=()):
    points = [Point(float(x), y) for x, y in enumerate(values)]
    return plot_svg(Plot("Requests", [Series("ok", points, "ok")], bands, "per second"))


def marks(svg):
    return [each for each in ET.fromstring(svg).iter() if "mark" in each.get("class", "").split()]


def test_a_line_goes_through_every_value():
    (line,) = marks(drawn(1.0, 4.0, 2.0))
    places = re.findall(r"[\d.]+", line.get("d"))
    heights = [float(each) for each in places[1::2]]
    assert len(heights) == 3
    assert heights[1] < heights[2] < heights[0]  # up is less


def test_where_there_is_no_value_there_is_a_gap_and_a_lone_value_is_a_dot():
    kinds = [each.tag for each in marks(drawn(1.0, 2.0, None, 5.0))]
    assert kinds == ["path", "circle"]


def test_without_any_value_the_plot_says_so():
    assert "Nothing was measured." in drawn(None, None)
    assert not Plot("x", [Series("a", [Point(0, None)], "ok")]).has_marks


def test_only_zeros_are_a_line_too():
    assert len(marks(drawn(0.0, 0.0))) == 1


def test_bands_lie_behind_the_lines_and_have_names():
    bands = [Band("stage", "20/s", 0.0, 2.0), Band("fault", "kill <api>", 1.0, 1.0)]
    svg = drawn(1.0, 2.0, 3.0, bands=bands)
    kinds = [each.get("class") for each in ET.fromstring(svg).iter("rect")]
    assert kinds == ["band stage", "band fault"]
    assert float(list(ET.fromstring(svg).iter("rect"))[1].get("width")) > 1
    assert "kill &lt;api&gt;" in svg
    assert svg.index("band fault") < svg.index("mark line")


def test_names_of_bands_that_have_no_room_are_left_to_the_pointer():
    bands = [Band("stage", f"{n} users", n / 100, (n + 1) / 100) for n in range(100)]
    root = ET.fromstring(drawn(0.0, 1.0, bands=bands))
    written = [each for each in root.iter("text") if "band-name" in each.get("class", "")]
    titles = [each for each in root.iter("rect") if each.find("title") is not None]
    assert 3 < len(written) < 20
    assert len(titles) == 100


def test_the_legend_names_every_line():
    plot = Plot("x", [Series("<a>", [], "ok"), Series("b", [], "fail")])
    assert legend(plot) == (
        '<p class="legend"><span><i class="key ok"></i>&lt;a&gt;</span>'
        '<span><i class="key fail"></i>b</span></p>'
    )


def test_dots_are_not_joined():
    points = [Point(0.0, 1.0), Point(1.0, None), Point(2.0, 3.0), Point(3.0, 2.0)]
    svg = plot_svg(Plot("Load", [Series("held", points, "ok", dots=True)]))
    assert [each.tag for each in marks(svg)] == ["circle"] * 3
