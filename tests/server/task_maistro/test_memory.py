import pytest
from langgraph.store.memory import InMemoryStore

from task_maistro import memory as memory_module
from task_maistro.memory import Memory, Retention, UserMemoryError


@pytest.fixture
def store():
    return InMemoryStore()


@pytest.fixture
def memory(store):
    return Memory(store, "ada@example.com", "thread")


async def test_todos_are_numbered_in_the_order_they_were_added(memory):
    for title in ["one", "two", "three"]:
        await memory.add_todo(title, cause=title)
    found = [(todo.number, todo.title) for todo in await memory.todos()]
    assert found == [(1, "one"), (2, "two"), (3, "three")]


async def test_a_repeated_cause_adds_once(memory):
    await memory.add_todo("one", cause="call")
    await memory.add_todo("one", cause="call")
    assert len(await memory.todos()) == 1


async def test_the_same_cause_in_another_thread_adds_again(memory, store):
    await memory.add_todo("one", cause="call")
    await Memory(store, "ada@example.com", "other").add_todo("one", cause="call")
    assert len(await memory.todos()) == 2


async def test_users_do_not_see_each_others_todos(memory, store):
    await memory.add_todo("one", cause="call")
    assert await Memory(store, "ada@example,com", "thread").todos() == []


async def test_a_user_id_with_a_period_is_kept_apart_from_its_escaped_form(memory, store):
    await memory.add_todo("one", cause="call")
    assert await Memory(store, "ada@example%2Ecom", "thread").todos() == []


async def test_todos_lie_under_the_users_namespace(store):
    await Memory(store, "ada", "thread").add_todo("one", cause="call")
    assert store.list_namespaces() == [("users", "ada", "todos")]


@pytest.mark.parametrize("task", ["2", "#2", "Buy Milk", "milk"])
async def test_a_todo_is_completed_by_number_or_title(memory, task):
    await memory.add_todo("call Ada", cause="1")
    await memory.add_todo("buy milk", cause="2")
    await memory.complete_todo(task)
    assert [todo.done for todo in await memory.todos()] == [False, True]


async def test_completing_again_by_number_changes_nothing(memory):
    await memory.add_todo("one", cause="1")
    await memory.add_todo("two", cause="2")
    await memory.complete_todo("1")
    await memory.complete_todo("1")
    assert [todo.done for todo in await memory.todos()] == [True, False]


@pytest.mark.parametrize("task", ["3", "0", "bread", "9" * 300])
async def test_a_task_that_does_not_exist_is_told(memory, task):
    await memory.add_todo("buy milk", cause="1")
    with pytest.raises(UserMemoryError, match="There is no task"):
        await memory.complete_todo(task)


async def test_an_ambiguous_task_is_told_with_its_numbers(memory):
    await memory.add_todo("buy milk", cause="1")
    await memory.add_todo("buy bread", cause="2")
    with pytest.raises(UserMemoryError, match="1: buy milk, 2: buy bread"):
        await memory.complete_todo("buy")


async def test_a_full_list_lets_the_oldest_finished_task_go(memory):
    for number in range(memory_module.MAX_TODOS):
        await memory.store.aput(
            ("users", "ada@example%2Ecom", "todos"),
            f"{number:04}",
            {"title": f"{number}", "done": number == 7, "at": f"2000-{number:04}"},
        )
    await memory.add_todo("new", cause="new")
    titles = [todo.title for todo in await memory.todos()]
    assert (len(titles), "7" in titles, titles[-1]) == (memory_module.MAX_TODOS, False, "new")


async def test_a_list_full_of_open_tasks_refuses_another(memory):
    for number in range(memory_module.MAX_TODOS):
        await memory.store.aput(
            ("users", "ada@example%2Ecom", "todos"),
            f"{number:04}",
            {"title": f"{number}", "done": False, "at": f"2000-{number:04}"},
        )
    with pytest.raises(UserMemoryError, match="full"):
        await memory.add_todo("new", cause="new")


async def test_without_a_store_todos_are_refused():
    with pytest.raises(UserMemoryError, match="no store"):
        await Memory(None, "ada", "thread").todos()


async def test_without_a_store_there_is_no_context():
    assert await Memory(None, "ada", "thread").context() == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Ada and I like tasks", "Ada"),
        ("call me Ada Lovelace, please", "Ada Lovelace"),
    ],
)
async def test_a_name_the_user_gives_is_remembered(memory, text, name):
    await memory.save_interaction("1", text, "Hello")
    assert f"The user's name is {name}." in await memory.context()


async def test_exchanges_of_other_threads_are_recalled_and_its_own_are_not(memory, store):
    await memory.save_interaction("1", "here", "yes")
    await Memory(store, "ada@example.com", "other").save_interaction("1", "there", "no")
    context = await memory.context()
    assert ("'there'" in context, "'here'" in context) == (True, False)


async def test_only_the_newest_exchanges_are_kept(memory, store):
    for number in range(Retention().items + 5):
        await memory.save_interaction(str(number), f"question {number}", "answer")
    items = await store.asearch(("users", "ada@example%2Ecom", "interactions"), limit=100)
    kept = sorted(int(item.value["user"].split()[1]) for item in items)
    assert kept == list(range(5, Retention().items + 5))


async def test_only_a_few_exchanges_are_shown(memory, store):
    other = Memory(store, "ada@example.com", "other")
    for number in range(10):
        await other.save_interaction(str(number), f"question {number}", "answer")
    assert len((await memory.context()).splitlines()) == memory_module.SHOWN_INTERACTIONS
