from markupsafe import Markup

from outrigger_loadtests.report.html.markup import element, fragment, text


def test_children_are_text_and_attributes_are_quoted():
    made = element("p", "<b>&", title='a "quoted" <b>', class_="x", stroke_width=1.5)
    assert made == (
        '<p title="a &#34;quoted&#34; &lt;b&gt;" class="x" stroke-width="1.5">&lt;b&gt;&amp;</p>'
    )


def test_markup_stays_markup_and_what_cannot_be_shown_is_written_out():
    inside = element("i", "a\x1bb")
    assert element("p", inside) == "<p><i>a\\x1bb</i></p>"
    assert isinstance(fragment(inside, "<"), Markup)
    assert fragment(inside, "<") == "<i>a\\x1bb</i>&lt;"


def test_an_attribute_that_is_none_is_left_out():
    assert text(1.0, 2, "w") == '<text x="1" y="2" text-anchor="start">w</text>'
