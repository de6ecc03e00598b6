"""A small client of Tavily's search API. It knows HTTP, and nothing of graphs or tools."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

MAX_RESPONSE_BYTES = 1_000_000
MAX_RESULTS = 3
SHOWN_CHARACTERS = 400
PLAN_LIMITS = frozenset({432, 433})


class TavilyError(Exception):
    """The search did not work; the message says why, and never holds the key."""


class SearchResult(BaseModel):
    """One page that was found."""

    title: str
    url: str
    content: str = ""


class SearchAnswer(BaseModel):
    """What Tavily answered."""

    answer: str | None = None
    results: list[SearchResult]

    def as_text(self) -> str:
        """Render the answer and its sources for a model to read."""
        lines = [self.answer] if self.answer else []
        lines += [
            f"- {found.title} ({found.url}): {found.content[:SHOWN_CHARACTERS]}"
            for found in self.results[:MAX_RESULTS]
        ]
        return "\n".join(lines) or "Nothing was found."


@dataclass(frozen=True, slots=True)
class Tavily:
    """Tavily's search, reached at `base_url`. Without a key every search says so."""

    api_key: SecretStr | None
    base_url: str
    timeout_seconds: float = 10.0

    async def search(self, query: str) -> SearchAnswer:
        """Search the web, once: there is no retry.

        Raises:
            TavilyError: No key, no answer in time, or an answer that is an error.
        """
        if self.api_key is None:
            raise TavilyError("Web look-ups need TAVILY_API_KEY, which is not set.")
        body = {"query": query, "max_results": MAX_RESULTS, "include_answer": True}
        headers = {"Authorization": f"Bearer {self.api_key.get_secret_value()}"}
        url = f"{self.base_url.rstrip('/')}/search"
        try:
            async with (
                asyncio.timeout(self.timeout_seconds),  # httpx bounds each read, not their sum
                httpx.AsyncClient(timeout=self.timeout_seconds) as client,
                client.stream("POST", url, json=body, headers=headers) as response,
            ):
                content = await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            raise TavilyError(f"Tavily did not answer in {self.timeout_seconds:g} s.") from None
        except httpx.HTTPError as error:
            raise TavilyError(f"Tavily cannot be reached: {type(error).__name__}.") from None
        if response.status_code != HTTPStatus.OK:
            raise TavilyError(_refusal(response.status_code))
        try:
            return SearchAnswer.model_validate_json(content)
        except ValidationError:
            raise TavilyError("Tavily's answer could not be understood.") from None


async def _read(response: httpx.Response) -> bytes:
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) > MAX_RESPONSE_BYTES:
            raise TavilyError("Tavily's answer is too large.")
    return content


def _refusal(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return "Tavily refused the key in TAVILY_API_KEY."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "Tavily has had too many requests; try again later."
    if status in PLAN_LIMITS:
        return "The Tavily plan's limit is used up."
    return f"Tavily answered with HTTP {status}."
