import pytest

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.settings import check_settings

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:8123", "nonsense", "", "//127.0.0.1", "ftp://127.0.0.1", "http://"),
        *("http://127.0.0.1:99999", "http://127.0.0.1:x", "http://127.0.0.1:0", "http://[::1"),
        *(
            "http://a b",
            "http://a\n:1",
            "http://a\x00",
            "http://a/?b=c",
            "http://a/#b",
            "http:\\\\a",
        ),
        *("http://me:secret@127.0.0.1", "http://secret@127.0.0.1"),
    ],
)
def test_host_that_is_no_plain_url_is_refused_without_its_password(host):
    with pytest.raises(UsageError, match=r"^--host: ") as refusal:
        check_settings(host=host)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("host", ["http://127.0.0.1", "https://a.b:1/c/", "http://[::1]:8123"])
def test_url_loses_only_its_last_slash(host):
    assert check_settings(host=host).host == host.rstrip("/")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("strategy", ["newest", "", "a\nb"]),
        ("probe", ["probe_async", "none"]),
        ("server_profile", ["mine", ""]),
        ("threads", [0, -1, 100_000]),
        ("duration", [0.0, 0.5, -1.0, 1e9, NAN, INFINITE]),
        ("seed", [-1, 1 << 54, 10**400]),
        ("api_key", ["", "a\nb", "clé", "\x00"]),
    ],
)
def test_wrong_value_is_refused_and_its_option_named(option, values):
    for value in values:
        with pytest.raises(UsageError, match=rf"^--{option.replace('_', '-')}: "):
            check_settings(**{option: value})


def test_output_may_be_anything_that_can_become_a_directory(tmp_path):
    assert check_settings(output=tmp_path / "a" / "b").output == tmp_path / "a" / "b"
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file", tmp_path / "file" / "under"):
        with pytest.raises(UsageError, match=r"file is not a directory"):
            check_settings(output=output)


def test_harm_is_done_only_to_a_server_that_was_started_for_it(tmp_path):
    config = tmp_path / "langgraph.json"
    config.write_text("{}")
    log = tmp_path / "faults.jsonl"
    log.touch()
    settings = check_settings(start=config, faults="kill_worker, slow_network,kill_worker")
    assert settings.faults == ("kill_worker", "slow_network")
    assert settings.start == config
    for wrong, option in (
        ({"faults": "kill_worker"}, "--faults: harm is only done"),
        ({"faults": "eclipse", "start": config}, "--faults: 'eclipse' is not known"),
        ({"start": tmp_path}, "--start: .* is no langgraph.json"),
        ({"start": config, "host": "http://127.0.0.1:1"}, "--start: .* leave --host out"),
        ({"start": config, "faults_log": log}, "--start: .* leave --faults-log out"),
    ):
        with pytest.raises(UsageError, match=f"^{option}"):
            check_settings(**wrong)


def test_a_dashboard_is_a_plain_address():
    assert check_settings(grafana_url="https://a.b/d/x?orgId=1").grafana_url
    for wrong in ("javascript:alert(1)", "nonsense", "https://me:secret@a.b"):
        with pytest.raises(UsageError, match=r"^--grafana-url: ") as refusal:
            check_settings(grafana_url=wrong)
        assert "secret" not in str(refusal.value)
