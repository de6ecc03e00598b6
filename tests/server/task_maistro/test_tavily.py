import pytest
from pydantic import SecretStr

from task_maistro.tavily import Tavily, TavilyError

KEY = "tvly-test"


def client(double, key=KEY, timeout_seconds=5.0):
    return Tavily(SecretStr(key), double.url, timeout_seconds)


async def test_a_search_sends_what_the_api_asks_for(tavily_double):
    await client(tavily_double).search("sailing canoes")
    [request] = tavily_double.requests
    assert request["line"] == "POST /search HTTP/1.1"
    assert request["headers"]["content-type"] == "application/json"
    assert request["body"] == {"query": "sailing canoes", "max_results": 3, "include_answer": True}


async def test_a_search_gives_answer_and_sources(tavily_double):
    found = await client(tavily_double).search("sailing canoes")
    assert found.as_text() == (
        "The answer to sailing canoes.\n- A page (https://example.org/a): What it says."
    )


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("too many", "too many requests"),
        ("nonsense", "could not be understood"),
        ("flood", "too large"),
        ("", "HTTP 400"),
    ],
)
async def test_an_answer_that_cannot_be_used_is_told(tavily_double, query, reason):
    with pytest.raises(TavilyError, match=reason):
        await client(tavily_double).search(query)


async def test_a_refused_key_is_told_without_showing_it(tavily_double):
    with pytest.raises(TavilyError, match="refused the key") as caught:
        await client(tavily_double, key="tvly-wrong").search("x")
    assert "tvly-wrong" not in str(caught.value)


async def test_silence_ends_with_the_timeout(tavily_double):
    with pytest.raises(TavilyError, match=r"did not answer in 0\.05 s"):
        await client(tavily_double, timeout_seconds=0.05).search("silence")


async def test_a_server_that_is_not_there_is_told():
    with pytest.raises(TavilyError, match="cannot be reached"):
        await Tavily(SecretStr(KEY), "http://127.0.0.1:9").search("x")


async def test_without_a_key_nothing_is_sent(tavily_double):
    with pytest.raises(TavilyError, match="TAVILY_API_KEY"):
        await Tavily(None, tavily_double.url).search("x")
    assert tavily_double.requests == []
