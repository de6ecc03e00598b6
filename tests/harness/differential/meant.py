"""The table of meant differences, and the decisions they follow."""

from harness.differential.chosen import Chosen

DECISIONS = {
    "own words": "Bad input is refused with the same status and a text that names the field, what is wrong and what to do.",
    "told why": "A reader whose run is cut is told so before its stream ends.",
}

MEANT = (
    Chosen("own words", "*", "body.detail", official="*Failed validating*"),
    Chosen("told why", "cancels/one that is streamed", "frames.*"),
    Chosen("told why", "double texts/* one that is streamed", "frames.*"),
)
