import pytest

from task_maistro.environment import Environment, EnvironmentValueError, read_environment


def test_an_empty_environment_gives_the_defaults():
    assert read_environment({}) == Environment()


def test_an_empty_variable_counts_as_not_set():
    assert read_environment({"TAVILY_API_KEY": ""}).tavily_api_key is None


def test_the_pace_is_read():
    found = read_environment({"OUTRIGGER_MODEL_TOKENS_PER_SECOND": "200"})
    assert found.tokens_per_second == 200


@pytest.mark.parametrize("value", ["fast", "0", "-1", "nan", "inf"])
def test_a_wrong_pace_is_refused_by_name(value):
    with pytest.raises(EnvironmentValueError, match="OUTRIGGER_MODEL_TOKENS_PER_SECOND"):
        read_environment({"OUTRIGGER_MODEL_TOKENS_PER_SECOND": value})


def test_a_wrong_address_of_tavily_is_refused_by_name():
    with pytest.raises(EnvironmentValueError, match="TAVILY_BASE_URL"):
        read_environment({"TAVILY_BASE_URL": "ftp://x"})


def test_the_key_does_not_show_in_the_settings_text():
    assert "tvly-secret" not in repr(read_environment({"TAVILY_API_KEY": "tvly-secret"}))
