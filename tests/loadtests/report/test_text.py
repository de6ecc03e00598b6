from hypothesis import given
from hypothesis import strategies as st

from outrigger_loadtests.report.text import first_lines, one_line, printable, times


@given(st.text(st.characters()))
def test_what_is_printable_is_fit_for_utf_8_and_xml(text):
    for character in printable(text):
        character.encode()
        assert character in "\t\n" or character.isprintable() or ord(character) > 0x9F
        assert character not in "\ufffe\uffff\u202e\u2028\x85"


def test_what_cannot_be_shown_is_written_out():
    assert printable("a\x1b[31m\ud800\u202e\r") == "a\\x1b[31m\\ud800\\u202e\\x0d"


def test_one_line_is_one_line_and_bounded():
    assert one_line(" a\r\n\t b\x0b ") == "a b"
    assert one_line("x" * 1000, 10) == "x" * 9 + "…"


def test_first_lines_say_how_many_there_are_besides():
    text = "\n".join("abcdef")
    assert first_lines(text, 6) == text
    assert first_lines(text, 3) == "a\nb\n… 4 lines left out"


def test_one_of_something_is_singular():
    assert (times(1, "run"), times(0, "run"), times(1200, "run")) == (
        "1 run",
        "0 runs",
        "1,200 runs",
    )
