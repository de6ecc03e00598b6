"""What is kept about a user across threads: profile, interactions and tasks.

Kept in the store the server gives, under ("users", user, subject). Keys are derived from the
message or tool call that caused the write, so a node that is repeated writes nothing twice.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph.store.base import BaseStore
from pydantic import ValidationError

from task_maistro.configuration import MAX_MEMORY_ITEMS, Preferences

MAX_TODOS = 500
MOST_READ = 2 * MAX_MEMORY_ITEMS
"""Interactions looked at; more are there only after the limit was lowered, and go bit by bit."""
SHOWN_INTERACTIONS = 3
SHOWN_CHARACTERS = 200

_NAME = re.compile(
    r"\b(?i:my name is|call me)\s+([^\W\d_][\w'-]{0,40}(?:\s[A-Z][\w'-]{0,40})?)",
)


class UserMemoryError(Exception):
    """Memory cannot do what was asked; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Todo:
    """One task. `number` is its place in the order of creation, from 1."""

    key: str
    number: int
    title: str
    done: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """How many past interactions are kept of one user, and until which age."""

    items: int = 20
    days: int = 365

    def kept(self, interactions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Return those to keep; the argument and the result are ordered by age, oldest first."""
        oldest = _text_of(datetime.now(UTC) - timedelta(days=self.days))
        return [each for each in interactions if each["at"] >= oldest][-self.items :]


@dataclass(frozen=True, slots=True)
class Memory:
    """The part of the store that belongs to one user, as seen from one thread."""

    store: BaseStore | None
    user_id: str
    thread_id: str
    retention: Retention = Retention()

    async def context(self) -> str:
        """Describe what is known about the user, for the system prompt; "" when nothing is."""
        if self.store is None:
            return ""
        profile = await self.store.aget(self._namespace("profile"), "profile")
        known = [f"The user's name is {profile.value['name']}."] if profile else []
        items = self.retention.kept(await self._items("interactions", MOST_READ))
        elsewhere = [item for item in items if item["thread_id"] != self.thread_id]
        earlier = [
            f"Earlier the user said {item['user']!r} and you answered {item['assistant']!r}."
            for item in elsewhere[-SHOWN_INTERACTIONS:]
        ]
        return "\n".join([*known, *earlier])

    async def save_interaction(self, message_id: str, user: str, assistant: str) -> None:
        """Keep this exchange and, when the user gave it, their name; drop what is too old."""
        if self.store is None:
            return
        if named := _NAME.search(user):
            await self.store.aput(self._namespace("profile"), "profile", {"name": named[1]})
        namespace = self._namespace("interactions")
        value = {
            "thread_id": self.thread_id,
            "user": user[:SHOWN_CHARACTERS],
            "assistant": assistant[:SHOWN_CHARACTERS],
            "at": _now(),
        }
        await self.store.aput(namespace, self._key(message_id), value)
        items = await self._items("interactions", MOST_READ)
        kept = {item["key"] for item in self.retention.kept(items)}
        for item in items:
            if item["key"] not in kept:
                await self.store.adelete(namespace, item["key"])

    async def preferences(self) -> Preferences:
        """Return what the user has chosen for all of their runs; what is no choice is ignored.

        A client puts it under ("users", user, "preferences") with the key "preferences".
        """
        if self.store is None:
            return Preferences()
        item = await self.store.aget(self._namespace("preferences"), "preferences")
        try:
            return Preferences.model_validate(item.value if item is not None else {})
        except ValidationError:
            return Preferences()

    async def todos(self) -> list[Todo]:
        """Return the user's tasks, oldest first.

        Raises:
            UserMemoryError: There is no store.
        """
        self._require_store()
        items = await self._items("todos", MAX_TODOS)
        return [
            Todo(key=item["key"], number=number, title=item["title"], done=item["done"])
            for number, item in enumerate(items, start=1)
        ]

    async def add_todo(self, title: str, *, cause: str) -> Todo:
        """Put a task on the list; the same `cause` (a tool call's id) adds it once only.

        When the list is full, the oldest finished task makes room.

        Raises:
            UserMemoryError: There is no store, or the list is full of open tasks.
        """
        store = self._require_store()
        namespace = self._namespace("todos")
        key = self._key(cause)
        todos = await self.todos()
        if found := next((todo for todo in todos if todo.key == key), None):
            return found
        if len(todos) >= MAX_TODOS:
            finished = next((todo for todo in todos if todo.done), None)
            if finished is None:
                raise UserMemoryError(f"The list is full: it has {MAX_TODOS} open tasks.")
            await store.adelete(namespace, finished.key)
        await store.aput(namespace, key, {"title": title, "done": False, "at": _now()})
        return next(todo for todo in await self.todos() if todo.key == key)

    async def complete_todo(self, task: str) -> Todo:
        """Mark a task, given by number or by title, as done; doing it again changes nothing.

        Raises:
            UserMemoryError: There is no store, or `task` names none or several.
        """
        store = self._require_store()
        todo = _find(await self.todos(), task.strip())
        namespace = self._namespace("todos")
        item = await store.aget(namespace, todo.key)
        if item is not None:
            await store.aput(namespace, todo.key, {**item.value, "done": True})
        return todo

    async def _items(self, subject: str, limit: int) -> list[Mapping[str, Any]]:
        """Return a subject's values with their keys, oldest first."""
        if self.store is None:
            return []
        items = await self.store.asearch(self._namespace(subject), limit=limit)
        values = [{**item.value, "key": item.key} for item in items]
        return sorted(values, key=lambda value: (value["at"], value["key"]))

    def _require_store(self) -> BaseStore:
        if self.store is None:
            raise UserMemoryError("Tasks cannot be kept: this server has no store.")
        return self.store

    def _namespace(self, subject: str) -> tuple[str, ...]:
        # A store refuses periods in a label, and mail addresses have them.
        label = self.user_id.replace("%", "%25").replace(".", "%2E")
        return ("users", label, subject)

    def _key(self, cause: str) -> str:
        return hashlib.sha256(f"{self.thread_id}\n{cause}".encode()).hexdigest()[:32]


def _find(todos: list[Todo], task: str) -> Todo:
    number = task.lstrip("#")
    if number.isdecimal():
        candidates = [todo for todo in todos if todo.number == int(number[:9])]
    else:
        wanted = task.casefold()
        exact = [todo for todo in todos if todo.title.casefold() == wanted]
        candidates = (
            [todo for todo in exact if not todo.done]
            or exact
            or [todo for todo in todos if wanted in todo.title.casefold() and not todo.done]
        )
    if not candidates:
        raise UserMemoryError(f"There is no task {task!r}.")
    if len({todo.title for todo in candidates}) > 1:
        names = ", ".join(f"{todo.number}: {todo.title}" for todo in candidates[:5])
        raise UserMemoryError(f"Several tasks fit {task!r} ({names}); give the number.")
    return candidates[0]


def _now() -> str:
    return _text_of(datetime.now(UTC))


def _text_of(moment: datetime) -> str:
    """A moment of UTC as text, which sorts as time does."""
    return moment.isoformat(timespec="microseconds")
