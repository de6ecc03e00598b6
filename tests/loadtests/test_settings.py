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
