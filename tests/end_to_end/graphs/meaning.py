"""An embedding whose results anyone can tell: how often a text speaks of three things."""

import asyncio

THINGS = (("cat", "dog", "animal"), ("oak", "rose", "plant"), ("granite", "stone"))


def embed(texts: list[str]) -> list[list[float]]:
    """One number for each thing; a little more than nothing, so that every text has a direction."""
    return [
        [0.01 + sum(text.lower().count(word) for word in words) for words in THINGS]
        for text in texts
    ]


async def aembed(texts: list[str]) -> list[list[float]]:
    """The same, as a function that awaits."""
    await asyncio.sleep(0)
    return embed(texts)


def too_short(texts: list[str]) -> list[list[float]]:
    """Vectors of another length than was said."""
    return [[1.0] for _ in texts]


def broken(texts: list[str]) -> list[list[float]]:
    """No vectors."""
    raise ValueError("no model today")
