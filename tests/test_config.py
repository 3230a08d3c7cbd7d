"""Settings: every one with what it takes and what it refuses, where they come from, and what a wrong one says."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hubinfo.config import Settings, SettingsError, load

GOOD: list[tuple[str, str, Any]] = [
    ("DATABASE_URL", "sqlite:////var/lib/h.sqlite3", "sqlite:////var/lib/h.sqlite3"),
    ("DATABASE_URL", "postgresql://u:p%40x@db:5433/h", "postgresql+psycopg://u:p%40x@db:5433/h"),
    ("DATABASE_URL", "postgres://u@db/h", "postgresql+psycopg://u@db/h"),
    ("DATABASE_URL", "postgresql+psycopg://u@db/h", "postgresql+psycopg://u@db/h"),
    ("PUBLIC_URL", "https://hub.example.com", "https://hub.example.com"),
    ("PUBLIC_URL", "https://hub.example.com/a/", "https://hub.example.com/a"),
    ("PUBLIC_URL", "http://[::1]:5000", "http://[::1]:5000"),
    ("COUNTRY_CODE", "NL", "NL"),
    ("COUNTRY_CODE", "nl", "nl"),
    ("PARTY_ID", "123", "123"),
    ("NAME", "Elektrische Straßen 1", "Elektrische Straßen 1"),
    ("NAME", "2030", "2030"),
    ("ROLES", "HUB", ("HUB",)),
    ("ROLES", "HUB, CPO,EMSP, CPO", ("HUB", "CPO", "EMSP")),
    ("VERSIONS", "2.2.1", ("2.2.1",)),
    ("VERSIONS", "2.3.0,2.2", ("2.3.0", "2.2")),
    ("KEEPALIVE_SECONDS", "0.5", 0.5),
    ("KEEPALIVE_SECONDS", ".5", 0.5),
    ("KEEPALIVE_SECONDS", "1000000000", 1e9),
    ("KEEPALIVE_RETRY_SECONDS", "0.001", 0.001),
    ("OFFLINE_AFTER_FAILURES", "1", 1),
    ("OFFLINE_AFTER_FAILURES", "1000000", 1_000_000),
    ("REQUEST_TIMEOUT_SECONDS", "2.5", 2.5),
    ("REQUEST_TIMEOUT_SECONDS", "3600", 3600.0),
    ("PUSH_CONCURRENCY", "1000", 1000),
    ("PUSH_RETRY_SECONDS", "0.05", 0.05),
    ("CATCH_UP", "true", True),
    ("CATCH_UP", "0", False),
    ("SYNC_SECONDS", "3600.5", 3600.5),
    ("PAGE_LIMIT", "1000000", 1_000_000),
    ("HISTORY_DAYS", "36500", 36_500),
    ("STRICT", "Yes", True),
    ("ALLOW_PRIVATE_NETWORKS", "off", False),
    ("ALLOW_HTTP", "FALSE", False),
    ("CA_FILE", __file__, __file__),
    ("SECRET_KEY", "x", ("x",)),
    ("SECRET_KEY", "new,old", ("new", "old")),
    ("SECRET_KEY", "newest, newer, old", ("newest", "newer", "old")),
    ("OPERATOR_PASSWORD", "0123", "0123"),
    ("OPERATOR_PASSWORD", "1e5", "1e5"),
    ("METRICS_TOKEN", "s3cr=t/+~", "s3cr=t/+~"),
    ("LOG_FORMAT", "json", "json"),
]
_SECONDS = "a number of seconds from 0.001 to 1000000000"
_ROLES = "a comma list of CPO, EMSP, NAP, NSP, OTHER, SCSP, HUB"
WRONG: list[tuple[str, str, str]] = [
    ("PUBLIC_URL", "hub.example.com", "an http(s) URL"),
    ("PUBLIC_URL", "ftp://hub.example.com", "an http(s) URL"),
    ("PUBLIC_URL", "https://user:word@hub.example.com", "no user"),
    ("PUBLIC_URL", "https://hub.example.com?a=b", "no query"),
    ("PUBLIC_URL", "https://hub.example.com?", "no query"),
    ("PUBLIC_URL", "https://hub.example.com/a b", "an http(s) URL"),
    ("PUBLIC_URL", "https://hub.example.com:99999", "an http(s) URL"),
    ("PUBLIC_URL", "https://[::1", "an http(s) URL"),
    ("PUBLIC_URL", "https://hüb.example.com", "an http(s) URL"),
    ("PUBLIC_URL", "https://hub.example.com/" + "a" * 200, "at most 200 characters"),
    ("COUNTRY_CODE", "NLD", "two letters"),
    ("COUNTRY_CODE", "N1", "two letters"),
    ("COUNTRY_CODE", "ÄÖ", "two letters"),
    ("PARTY_ID", "TN", "three letters or digits"),
    ("PARTY_ID", "T-M", "three letters or digits"),
    ("NAME", "", "a text that is not empty"),
    ("NAME", "two\nlines", "a text that is not empty"),
    ("ROLES", "", _ROLES),
    ("ROLES", "hub", _ROLES),
    ("ROLES", "HUB,", _ROLES),
    ("VERSIONS", "2.1.1", "a comma list of 2.2, 2.2.1, 2.3.0"),
    ("KEEPALIVE_SECONDS", "0", _SECONDS),
    ("KEEPALIVE_SECONDS", "-1", _SECONDS),
    ("KEEPALIVE_SECONDS", "nan", _SECONDS),
    ("KEEPALIVE_SECONDS", "inf", _SECONDS),
    ("KEEPALIVE_RETRY_SECONDS", "ten", _SECONDS),
    ("KEEPALIVE_SECONDS", "1_0", _SECONDS),
    ("KEEPALIVE_SECONDS", "1e2", _SECONDS),
    ("KEEPALIVE_SECONDS", "5.", _SECONDS),
    ("KEEPALIVE_SECONDS", "\u0661\u0660", _SECONDS),
    ("SYNC_SECONDS", "1000000001", _SECONDS),
    ("SYNC_SECONDS", "9" * 400, _SECONDS),
    ("OFFLINE_AFTER_FAILURES", "0", "a whole number from 1 to 1000000"),
    ("OFFLINE_AFTER_FAILURES", "1.5", "a whole number from 1 to 1000000"),
    ("OFFLINE_AFTER_FAILURES", "+2", "a whole number from 1 to 1000000"),
    ("REQUEST_TIMEOUT_SECONDS", "3601", "a number of seconds from 0.01 to 3600"),
    ("PUSH_CONCURRENCY", "0", "a whole number from 1 to 1000"),
    ("PUSH_CONCURRENCY", "1001", "a whole number from 1 to 1000"),
    ("PUSH_CONCURRENCY", "1_0", "a whole number from 1 to 1000"),
    ("PUSH_CONCURRENCY", "\u0661\u0660", "a whole number from 1 to 1000"),
    ("PUSH_RETRY_SECONDS", "61", "a number of seconds from 0.001 to 60"),
    ("CATCH_UP", "maybe", "true or false"),
    ("STRICT", "", "true or false"),
    ("PAGE_LIMIT", "1000001", "a whole number from 1 to 1000000"),
    ("HISTORY_DAYS", "0", "a whole number from 1 to 36500"),
    ("PAGE_LIMIT", "9" * 5000, "a whole number from 1 to 1000000"),
    ("ALLOW_PRIVATE_NETWORKS", "2", "true or false"),
    ("ALLOW_HTTP", "http", "true or false"),
    ("CA_FILE", "/nowhere/ca.pem", "a file with the CA certificates"),
    ("CA_FILE", "a" * 5000, "a file with the CA certificates"),
    ("LOG_FORMAT", "xml", "text or json"),
]
_KEYS = "one secret or several, comma-separated, newest first, none empty"
WRONG_SECRETS: list[tuple[str, str, str]] = [
    ("SECRET_KEY", "", _KEYS),
    ("SECRET_KEY", "hunter2,", _KEYS),
    ("SECRET_KEY", "hunter2, ,hunter1", _KEYS),
    ("METRICS_TOKEN", "two words", "ASCII characters without spaces"),
    ("METRICS_TOKEN", "schlüssel", "ASCII characters without spaces"),
    ("OPERATOR_PASSWORD", "tab\tbed", "a text that is not empty"),
]
WRONG_DATABASES: list[tuple[str, str]] = [
    ("mysql://user:hunter2@host/db", "mysql://user:***@host/db"),
    ("postgresql+psycopg2://u:hunter2@db:5433/h", "postgresql+psycopg2://u:***@db:5433/h"),
    ("mysql://u:hunter2@db/h?password=hunter2", "mysql://u:***@db/h?***"),
    ("mysql://u:hun/ter2@db/h", "mysql://u:***@db/h"),
    ("mysql://u:hunter@2@db/h", "mysql://***"),
    ("mysql://admin@server:hunter2@db/h", "mysql://***"),
    ("mysql://u:12?hunter2@db/h", "mysql://***"),
    ("mysql://u:hunter2", "mysql://***"),
    ("mysql://u@db:hunter2", "mysql://***"),
    ("mysql://db/h?password=hunter2", "mysql://***"),
    ("postgres//u:hunter2@db/h", "***"),
    ("u:hunter2@db/h", "***"),
    ("host=db password=hunter2", "***"),
    ("mysql://u@db/h", "mysql://u@db/h"),
    ("mysql://db:3306/h", "mysql://db:3306/h"),
    ("sqlite://", "sqlite://"),
    ("sqlite:///:memory:", "sqlite:///:memory:"),
    ("sqlite:///file::memory:?uri=true", "sqlite://***"),
    ("not a URL", "not a URL"),
    ("", ""),
]


def _names(cases: list[tuple[str, str, Any]]) -> list[str]:
    return [f"{name}={text[:40]!r}" for name, text, _ in cases]


def _load(folder: Path, **environ: str) -> Settings:
    return load(folder, environ={f"HUBINFO_{name}": text for name, text in environ.items()})


def _complaints(folder: Path, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        _load(folder, **environ)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("name", "text", "value"), GOOD, ids=_names(GOOD))
def test_a_good_value_is_taken_from_the_environment(tmp_path: Path, name: str, text: str, value: Any) -> None:
    assert getattr(_load(tmp_path, **{name: text}), name.lower()) == value


@pytest.mark.parametrize(("name", "text", "value"), GOOD, ids=_names(GOOD))
def test_a_good_value_is_taken_from_the_file(tmp_path: Path, name: str, text: str, value: Any) -> None:
    (tmp_path / "config.toml").write_text(f'{name.lower()} = "{text}"\n')
    assert getattr(_load(tmp_path), name.lower()) == value


def test_every_setting_is_covered_by_good_and_by_wrong_values() -> None:
    names = {item.name.upper() for item in fields(Settings) if "parse" in item.metadata}
    assert {name for name, *_ in GOOD} == names
    assert {name for name, *_ in WRONG + WRONG_SECRETS} | {"DATABASE_URL"} == names


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG, ids=_names(WRONG))
def test_a_wrong_value_is_one_line_with_name_value_and_what_is_allowed(tmp_path: Path, name: str, text: str, allowed: str) -> None:
    [line] = _complaints(tmp_path, **{name: text})
    assert line.startswith(f"HUBINFO_{name}={text!r}: must be ")
    assert allowed in line


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG_SECRETS, ids=_names(WRONG_SECRETS))
def test_a_wrong_secret_is_not_shown(tmp_path: Path, name: str, text: str, allowed: str) -> None:
    [line] = _complaints(tmp_path, **{name: text})
    assert line.startswith(f"HUBINFO_{name}=(not shown): must be ")
    assert allowed in line


@pytest.mark.parametrize(("url", "shown"), WRONG_DATABASES)
def test_a_wrong_database_is_shown_without_its_password(tmp_path: Path, url: str, shown: str) -> None:
    allowed = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    assert _complaints(tmp_path, DATABASE_URL=url) == [f"HUBINFO_DATABASE_URL={shown!r}: must be {allowed}"]


def test_each_wrong_setting_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('page_limit = 0\nname = "fine"\n')
    lines = _complaints(tmp_path, PARTY_ID="X", SECRET_KEY=",", STRICT="perhaps")
    assert [line.partition("=")[0].rpartition(" ")[2] for line in lines] == [
        "page_limit",
        "HUBINFO_PARTY_ID",
        "HUBINFO_SECRET_KEY",
        "HUBINFO_STRICT",
    ]


def test_secrets_are_not_in_the_repr_that_a_traceback_may_show(tmp_path: Path) -> None:
    secrets = {"SECRET_KEY": "s" * 16, "OPERATOR_PASSWORD": "hunter2", "DATABASE_URL": "postgresql://u:hunter2@db/h"}
    shown = repr(_load(tmp_path, **secrets))
    assert "hunter2" not in shown
    assert "ssss" not in shown
