"""System assistants: the same id on every server."""

from outrigger_server.domain.assistant import system_assistant, system_assistant_id


def test_a_system_assistants_id_is_the_one_the_protocol_derives():
    assert system_assistant_id("slow") == "cad1b5ad-d177-59d1-ab39-5e327188ed3a"


def test_graphs_have_different_system_assistants():
    assert system_assistant_id("slow") != system_assistant_id("fast")


def test_a_system_assistant_carries_its_graph_and_says_who_made_it():
    assistant = system_assistant("slow", "Takes its time.", 5)
    assert assistant.assistant_id == system_assistant_id("slow")
    assert (assistant.graph_id, assistant.name) == ("slow", "slow")
    assert assistant.description == "Takes its time."
    assert assistant.metadata == {"created_by": "system"}
    assert (assistant.version, assistant.created_at, assistant.updated_at) == (1, 5, 5)
