from pathlib import Path

import pytest

from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.traces.prices import load_prices
from outrigger_sidecar.traces.usage import Usage

MILLION = 1_000_000
USAGE = Usage(input=MILLION, output=MILLION)


def cost(model: str, usage: Usage = USAGE, provider: str = "openai") -> tuple[float, bool]:
    return load_prices(None).cost(usage, provider=provider, model=model)


@pytest.mark.parametrize(
    "model",
    ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-latest", "gpt-4o-mini@20240718"],
)
def test_a_version_costs_like_its_model(model: str) -> None:
    assert cost(model) == (pytest.approx(0.15 + 0.6), True)


@pytest.mark.parametrize("model", ["gpt-4o-mini-audio-preview", "gpt-4", "my-gpt-4o-mini"])
def test_another_model_is_a_guess(model: str) -> None:
    assert cost(model) == (pytest.approx(1 + 4), False)


def test_what_the_cache_reads_and_keeps_has_prices_of_its_own() -> None:
    usage = Usage(input=MILLION, output=0, cache_read=MILLION // 2, cache_write=MILLION // 4)

    assert cost("claude-sonnet-4-5", usage, "anthropic")[0] == pytest.approx(
        0.25 * 3 + 0.5 * 0.3 + 0.25 * 3.75
    )


def test_a_cost_that_the_sender_knows_is_taken() -> None:
    assert cost("gpt-4o", Usage.read({"input_tokens": 1, "total_cost": 0.5})) == (0.5, True)


def test_usage_of_a_strange_form_is_zero() -> None:
    read = Usage.read({"input_tokens": "many", "output_tokens": -3, "input_token_details": []})

    assert read == Usage(input=0, output=0)


def test_entries_of_a_file_replace_and_add(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        """
        [fallback]
        input = 0
        output = 0
        [[price]]
        providers = ["openai", "cellar"]
        models = ["gpt-4o", "in-house"]
        input = 7
        output = 9.5
        """
    )

    prices = load_prices(file)

    assert prices.cost(USAGE, provider="openai", model="gpt-4o") == (16.5, True)
    assert prices.cost(USAGE, provider="cellar", model="in-house") == (16.5, True)
    assert prices.cost(USAGE, provider="openai", model="gpt-4o-mini")[1]
    assert prices.cost(USAGE, provider="cellar", model="else") == (0, False)


ENTRY = '[[price]]\nproviders = ["a"]\nmodels = ["b"]\ninput = 1\noutput = 1\n'


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("[[price", "Expected"),
        ("[prices]", "'prices' is neither"),
        ("price = 1", "write each price as"),
        ("[[price]]\ninput = 1", "price 1: output is missing"),
        (ENTRY + "cache_reed = 1", "price 1: no such key: cache_reed"),
        (ENTRY.replace("output = 1", "output = -1"), "price 1: output must be USD"),
        (ENTRY.replace("input = 1", "input = true"), "price 1: input must be USD"),
        (ENTRY.replace('["b"]', '"b"'), "price 1: models must be a list"),
        ("fallback = 1", "fallback: give a table"),
    ],
)
def test_a_wrong_file_names_its_fault(tmp_path: Path, content: str, fault: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(content)

    with pytest.raises(ConfigurationError) as raised:
        load_prices(file)

    assert fault in raised.value.faults[0]
    assert raised.value.faults[0].startswith(f"OUTRIGGER_SIDECAR_PRICES_FILE: {file}: ")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_prices(tmp_path / "none.toml")

    assert "no such file" in raised.value.faults[0]
