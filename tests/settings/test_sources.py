"""Where settings come from and which source wins; unknown ones; what only goes wrong together."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hubinfo.config import Settings, SettingsError, load


def _load(folder: Path, toml: str = "", production: bool = False, **environ: str) -> Settings:
    (folder / "config.toml").write_text(toml)
    return load(folder, production=production, environ={f"HUBINFO_{name}": text for name, text in environ.items()})


def _complaints(folder: Path, toml: str = "", production: bool = False, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        _load(folder, toml, production, **environ)
    return str(caught.value)


def test_the_defaults_are_those_documented(tmp_path: Path) -> None:
    settings = load(tmp_path, environ={})
    assert (settings.country_code, settings.party_id, settings.name, settings.roles) == ("XX", "HUB", "hubinfo", ("HUB",))
    assert settings.database_url == f"sqlite:///{tmp_path}/hubinfo.sqlite3"
    assert settings.versions_url == "http://127.0.0.1:5000/ocpi/versions"
    assert settings.versions == ("2.2", "2.2.1", "2.3.0")
    assert (settings.keepalive_seconds, settings.keepalive_retry_seconds, settings.offline_after_failures) == (300, 10, 2)
    assert (settings.request_timeout_seconds, settings.push_concurrency, settings.push_retry_seconds) == (10, 32, 1)
    assert (settings.catch_up, settings.sync_seconds, settings.page_limit, settings.strict) == (False, 86400, 100, False)
    assert (settings.secret_key, settings.operator_password, settings.log_format) == ((), None, "text")


@pytest.mark.parametrize("production", [False, True], ids=["development", "production"])
def test_private_networks_and_http_are_allowed_in_development_only(tmp_path: Path, production: bool) -> None:
    settings = _load(tmp_path, production=production, COUNTRY_CODE="NL")
    assert (settings.allow_private_networks, settings.allow_http) == (not production, not production)


def test_production_takes_them_when_they_are_set(tmp_path: Path) -> None:
    settings = _load(tmp_path, "allow_http = true", True, COUNTRY_CODE="NL", ALLOW_PRIVATE_NETWORKS="true")
    assert (settings.allow_private_networks, settings.allow_http) == (True, True)


@pytest.mark.parametrize("code", ["XX", "xx"])
def test_production_refuses_the_placeholder_country(tmp_path: Path, code: str) -> None:
    assert _complaints(tmp_path, production=True, COUNTRY_CODE=code).startswith("HUBINFO_COUNTRY_CODE='XX': must be this hub's own")


def test_the_file_wins_over_defaults_and_the_environment_over_the_file(tmp_path: Path) -> None:
    settings = _load(tmp_path, 'name = "of the file"\nparty_id = "FIL"', PARTY_ID="ENV")
    assert (settings.name, settings.party_id, settings.country_code) == ("of the file", "ENV", "XX")


def test_a_wrong_value_in_the_file_stands_corrected_by_the_environment(tmp_path: Path) -> None:
    assert _load(tmp_path, "page_limit = 0", PAGE_LIMIT="5").page_limit == 5


def test_what_the_app_is_given_wins_over_all(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"HUBINFO_PARTY_ID": "ENV"}, overrides={"party_id": "APP"}).party_id == "APP"


@pytest.mark.parametrize(
    ("toml", "name", "value"),
    [
        ("operator_password = 12345678", "operator_password", "12345678"),
        ("operator_password = 1e10", "operator_password", "1e10"),
        ("operator_password = 0.10", "operator_password", "0.10"),
        ("party_id = 123", "party_id", "123"),
        ("secret_key = 1234567890123456", "secret_key", ("1234567890123456",)),
        ("secret_key = ['new', 'old']", "secret_key", ("new", "old")),
        ("page_limit = 1_000", "page_limit", 1000),
        ("roles = ['HUB', 'CPO']", "roles", ("HUB", "CPO")),
        ("keepalive_seconds = 0.25", "keepalive_seconds", 0.25),
        ("keepalive_seconds = 5", "keepalive_seconds", 5.0),
        ("strict = true", "strict", True),
        ("strict = 'false'", "strict", False),
    ],
)
def test_toml_values_of_every_type_are_read_as_meant(tmp_path: Path, toml: str, name: str, value: object) -> None:
    assert getattr(_load(tmp_path, toml), name) == value


@pytest.mark.parametrize(
    "toml",
    [
        "name = ['a', 'b']",
        "name = 2020-01-01",
        "page_limit = true",
        "page_limit = 5.0",
        "roles = [['HUB']]",
        "keepalive_seconds = inf",
    ],
)
def test_toml_values_of_another_type_are_refused(tmp_path: Path, toml: str) -> None:
    assert _complaints(tmp_path, toml).startswith(f"{tmp_path}/config.toml: {toml.partition(' ')[0]}=")


def test_a_secret_in_the_file_is_not_shown(tmp_path: Path) -> None:
    assert "hunter2" not in _complaints(tmp_path, "secret_key = ['hunter2', '']")


def test_a_database_in_a_list_is_not_shown(tmp_path: Path) -> None:
    assert "hunter2" not in _complaints(tmp_path, "database_url = ['postgresql://u:hunter2@db/h']")


@pytest.mark.parametrize(
    ("toml", "environ", "said"),
    [
        ("", {"PARTY_IDD": "TNM"}, "HUBINFO_PARTY_IDD: no such setting; did you mean HUBINFO_PARTY_ID?"),
        ("", {"KEEP_ALIVE_SECONDS": "5"}, "HUBINFO_KEEP_ALIVE_SECONDS: no such setting; did you mean HUBINFO_KEEPALIVE_SECONDS?"),
        ("", {"ZZZ": "secret"}, "HUBINFO_ZZZ: no such setting"),
        ("party_idd = 'TNM'", {}, "config.toml: party_idd: no such setting; did you mean party_id?"),
        ("PARTY_ID = 'TNM'", {}, "config.toml: PARTY_ID: no such setting; did you mean party_id?"),
        ("hubinfo_name = 'n'", {}, "config.toml: hubinfo_name: no such setting; did you mean name?"),
    ],
    ids=["typo", "word apart", "nothing like it", "typo in the file", "upper case in the file", "prefix in the file"],
)
def test_an_unknown_setting_is_refused_with_a_suggestion(tmp_path: Path, toml: str, environ: dict[str, str], said: str) -> None:
    assert _complaints(tmp_path, toml, False, **environ).removeprefix(f"{tmp_path}/") == said


def test_names_under_our_prefix_that_others_read_are_no_settings(tmp_path: Path) -> None:
    assert _load(tmp_path, INSTANCE_PATH="/x", TEST_DATABASE_URL="postgresql://x/y").name == "hubinfo"


@pytest.mark.parametrize(
    "content", [b"name = ", b"name = '\xff'", b"name = 'a'\nname = 'b'"], ids=["cut off", "not UTF-8", "twice"]
)
def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"config\.toml: cannot be read: [^\n]+$"):
        load(tmp_path, environ={})


def test_a_folder_in_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(SettingsError, match=r"config\.toml: cannot be read: "):
        load(tmp_path, environ={})


def _import_app(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    env = os.environ | {"HUBINFO_INSTANCE_PATH": str(folder), "PYTHONPATH": f"{folder}:{root}"} | environ
    return subprocess.run([sys.executable, "-c", "import app"], cwd=root, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.outside
def test_a_wrong_setting_ends_the_process_with_its_line_and_no_traceback(tmp_path: Path) -> None:
    ended = _import_app(tmp_path, HUBINFO_PARTY_ID="TOOLONG", HUBINFO_STRIC="1")
    assert ended.returncode == 1
    assert sorted(ended.stderr.splitlines()) == [
        "hubinfo: HUBINFO_PARTY_ID='TOOLONG': must be three letters or digits",
        "hubinfo: HUBINFO_STRIC: no such setting; did you mean HUBINFO_STRICT?",
    ]


@pytest.mark.outside
def test_postgresql_without_psycopg_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('no pq wrapper available.\\nAttempts made: …')")
    ended = _import_app(tmp_path, HUBINFO_DATABASE_URL="postgresql://u:hunter2@127.0.0.1/h")
    assert ended.returncode == 1
    cause = "PostgreSQL needs psycopg (no pq wrapper available.)"
    assert ended.stderr == f"hubinfo: HUBINFO_DATABASE_URL: {cause}; run: pip install 'psycopg[binary]>=3.2,<4'\n"


@pytest.mark.outside
def test_apprise_urls_without_apprise_say_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("raise ImportError('No module named apprise')")
    ended = _import_app(tmp_path, HUBINFO_NOTIFY_URLS="json://u:hunter2@127.0.0.1/")
    assert ended.returncode == 1
    cause = "it needs apprise (No module named apprise)"
    assert ended.stderr == f"hubinfo: HUBINFO_NOTIFY_URLS: {cause}; run: pip install 'apprise>=1.9,<3'\n"


def test_the_packages_named_are_those_of_our_extras() -> None:
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    source = Path("hubinfo/config.py").read_text()
    assert all(f'"{package}"' in source for name in ("postgresql", "notify") for package in extras[name])
