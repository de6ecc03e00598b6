"""The index of items by meaning: which texts of an item are embedded, and with what.

Embedding may take a network's time: it is done before the transaction, which then finds the
vectors of every text it needs.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings
from langgraph.store.base import Op, PutOp, SearchOp, get_text_at_path, tokenize_path
from typing_extensions import override

from outrigger_server.errors import GraphFailed

Vector = list[float]
Vectors = Mapping[str, Vector]
Elsewhere = Callable[[Coroutine[Any, Any, Vectors]], Awaitable[Vectors]]
"""Runs a coroutine where users' code may run."""


class KnownVectors(Embeddings):
    """Gives langgraph's store the vectors that were made before."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    @override
    def embed_documents(self, texts: list[str]) -> list[Vector]:
        return [self._vectors[text] for text in texts]

    @override
    def embed_query(self, text: str) -> Vector:
        return self._vectors[text]


@dataclass(frozen=True, slots=True)
class ItemIndex:
    """What is embedded of every item that says nothing else; `$` is the whole of it."""

    embeddings: Embeddings
    dims: int
    fields: tuple[str, ...] = ("$",)
    elsewhere: Elsewhere | None = None
    """Where the embedding is done; None: where it is asked for."""

    def config(self, vectors: Vectors) -> Any:
        """The same for langgraph's stores, which call the fields by two names."""
        fields = list(self.fields)
        embed = KnownVectors(vectors)
        return {"dims": self.dims, "embed": embed, "fields": fields, "text_fields": fields}

    async def vectors(self, ops: Sequence[Op]) -> Vectors:
        """The vectors of every text that the operations need.

        Raises:
            GraphFailed: The embedding raised, or made something else.
        """
        texts = self._texts(ops)
        if not texts:
            return {}
        if self.elsewhere is None:
            return await self._embed(texts)
        return await self.elsewhere(self._embed(texts))

    def vectors_blocking(self, ops: Sequence[Op]) -> Vectors:
        """The same in a plain thread."""
        texts = self._texts(ops)
        try:
            return self._checked(texts, self.embeddings.embed_documents(texts) if texts else [])
        except GraphFailed:
            raise
        except Exception as error:
            raise GraphFailed(type(error).__name__, f"embedding: {error}") from error

    async def _embed(self, texts: list[str]) -> Vectors:
        try:
            return self._checked(texts, await self.embeddings.aembed_documents(texts))
        except GraphFailed:
            raise
        except Exception as error:
            raise GraphFailed(type(error).__name__, f"embedding: {error}") from error

    def _checked(self, texts: list[str], made: Sequence[Sequence[float]]) -> Vectors:
        vectors = [[float(number) for number in vector] for vector in made]
        if len(vectors) != len(texts) or any(len(vector) != self.dims for vector in vectors):
            text = (
                f"embedding: not one vector of {self.dims} numbers (store.index.dims) for each text"
            )
            raise GraphFailed("ValueError", text)
        return dict(zip(texts, vectors, strict=True))

    def _texts(self, ops: Sequence[Op]) -> list[str]:
        texts: dict[str, None] = {}
        for op in ops:
            if isinstance(op, SearchOp) and op.query:
                texts[op.query] = None
            elif isinstance(op, PutOp) and op.value is not None and op.index is not False:
                for path in self.fields if op.index is None else op.index:
                    steps = path if path == "$" else tokenize_path(path)
                    texts |= dict.fromkeys(get_text_at_path(op.value, steps))
        return list(texts)
