"""Settings: every one with what it takes and what it refuses, where they come from, and what a wrong one says."""

from dataclasses import fields
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubinfo import checks
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
    ("COUNTRY_CODE", "nl", "NL"),
    ("PARTY_ID", "123", "123"),
    ("PARTY_ID", "tNm", "TNM"),
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
    ("REGISTRATION", "open", "open"),
    ("REGISTRATION", "invited", "invited"),
    ("MAX_ROLES", "1", 1),
    ("MAX_ROLES", "1000", 1000),
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
    ("NOTIFY_MAIL_TO", "ops@hub.example.com", ("ops@hub.example.com",)),
    ("NOTIFY_MAIL_TO", "a.b+c@x.example, root@localhost,a.b+c@x.example", ("a.b+c@x.example", "root@localhost")),
    ("NOTIFY_MAIL_FROM", "hubinfo@hub.example.com", "hubinfo@hub.example.com"),
    ("SMTP_URL", "smtp://mail.example.com", "smtp://mail.example.com"),
    ("SMTP_URL", "smtps://u%40x:p%2Fw@[::1]:465", "smtps://u%40x:p%2Fw@[::1]:465"),
    ("NOTIFY_WEBHOOK_URL", "https://ops.example.com/hook?to=me", "https://ops.example.com/hook?to=me"),
    ("NOTIFY_WEBHOOK_SECRET", f"whsec_{'A' * 32}", bytes(24)),
    ("NOTIFY_WEBHOOK_SECRET", f"whsec_{'A' * 86}==", bytes(64)),
    ("NOTIFY_URLS", "json://localhost", ("json://localhost",)),
    ("NOTIFY_URLS", "tgram://1:a/2,3 , jsons://u:p@h/?+x=y", ("tgram://1:a/2,3", "jsons://u:p@h/?+x=y")),
    ("NOTIFY_OFFLINE_SECONDS", "0", 0.0),
    ("NOTIFY_UNTOLD_SECONDS", "0.5", 0.5),
    ("NOTIFY_GROUP_SECONDS", "0", 0.0),
    ("NOTIFY_QUIET_SECONDS", "86400", 86400.0),
]
MAIL = {"NOTIFY_MAIL_TO": "ops@x.example", "NOTIFY_MAIL_FROM": "hub@x.example", "SMTP_URL": "smtp://x.example"}
WEBHOOK = {"NOTIFY_WEBHOOK_URL": "https://x.example/", "NOTIFY_WEBHOOK_SECRET": f"whsec_{'A' * 32}"}
COMPANY = {name: together for together in (MAIL, WEBHOOK) for name in together}
"""What a setting is of no use without."""
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
    ("REGISTRATION", "Open", "invited or open"),
    ("REGISTRATION", "closed", "invited or open"),
    ("MAX_ROLES", "0", "a whole number from 1 to 1000"),
    ("MAX_ROLES", "1001", "a whole number from 1 to 1000"),
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
    ("NOTIFY_MAIL_TO", "", "a comma list of mail addresses"),
    ("NOTIFY_MAIL_TO", "ops", "a comma list of mail addresses"),
    ("NOTIFY_MAIL_TO", "ops@x.example,", "a comma list of mail addresses"),
    ("NOTIFY_MAIL_TO", "ops@x.example\r\nBcc: all@x.example", "a comma list of mail addresses"),
    ("NOTIFY_MAIL_FROM", "Ops <ops@x.example>", "a mail address"),
    ("NOTIFY_MAIL_FROM", "a" * 250 + "@x.example", "a mail address"),
    ("NOTIFY_MAIL_FROM", "a..b@x.example", "a mail address"),
    ("NOTIFY_MAIL_FROM", ".a@x.example", "a mail address"),
    ("NOTIFY_MAIL_TO", "ops@x.example, a.@x.example", "a comma list of mail addresses"),
    ("SMTP_URL", "mail.example.com", "smtp:// or smtps://"),
    ("SMTP_URL", "http://mail.example.com", "smtp:// or smtps://"),
    ("SMTP_URL", "smtp://mail.example.com:99999", "smtp:// or smtps://"),
    ("SMTP_URL", "smtp://user@mail.example.com", "USER:PASSWORD@HOST"),
    ("SMTP_URL", "smtp://mail.example.com/inbox", "perhaps :PORT"),
    ("NOTIFY_OFFLINE_SECONDS", "-1", "a number of seconds from 0 to 1000000000"),
    ("NOTIFY_UNTOLD_SECONDS", "soon", "a number of seconds from 0 to 1000000000"),
    ("NOTIFY_GROUP_SECONDS", "1000000001", "a number of seconds from 0 to 1000000000"),
    ("NOTIFY_QUIET_SECONDS", "", "a number of seconds from 0 to 1000000000"),
]
_KEYS = "one secret or several, comma-separated, newest first, none empty"
WRONG_SECRETS: list[tuple[str, str, str]] = [
    ("SECRET_KEY", "", _KEYS),
    ("SECRET_KEY", "hunter2,", _KEYS),
    ("SECRET_KEY", "hunter2, ,hunter1", _KEYS),
    ("METRICS_TOKEN", "two words", "ASCII characters without spaces"),
    ("METRICS_TOKEN", "schlüssel", "ASCII characters without spaces"),
    ("OPERATOR_PASSWORD", "tab\tbed", "a text that is not empty"),
    ("NOTIFY_WEBHOOK_URL", "ops.example.com/hunter2", "an http(s) URL of at most 1000 characters, no user"),
    ("NOTIFY_WEBHOOK_URL", "https://u:hunter2@ops.example.com/", "no user"),
    ("NOTIFY_WEBHOOK_SECRET", "hunter2", "whsec_ and 24 to 64 bytes in base64"),
    ("NOTIFY_WEBHOOK_SECRET", f"whsec_{'A' * 28}", "24 to 64 bytes"),
    ("NOTIFY_WEBHOOK_SECRET", f"whsec_{'A' * 88}", "24 to 64 bytes"),
    ("NOTIFY_WEBHOOK_SECRET", f"whsec_{'A' * 33}", "in base64"),
    ("NOTIFY_URLS", "", "a comma list of apprise URLs"),
    ("NOTIFY_URLS", "json://h,hunter2://\t", "a comma list of apprise URLs"),
]
WRONG_DATABASES: list[tuple[str, str]] = [
    ("mysql://user:hunter2@host/db", "mysql://user:***@host/db"),
    ("postgresql+psycopg2://u:hunter2@db:5433/h", "postgresql+psycopg2://u:***@db:5433/h"),
    ("mysql://u:hunter2@db/h?password=hunter2", "mysql://u:***@db/h?***"),
    ("mysql://u:hun/ter2@db/h", "mysql://u:***@db/h"),
    ("mysql://u:hunter@2@db/h", "mysql://***"),
    ("mysql://admin@server:hunter2@db/h", "mysql://***"),
    ("mysql://u:12?hunter2@db/h", "mysql://***"),
    ("postgresql://u:hunter@2@db/h", "postgresql://***"),
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
    assert getattr(_load(tmp_path, **COMPANY.get(name, {}) | {name: text}), name.lower()) == value


@pytest.mark.parametrize(("name", "text", "value"), GOOD, ids=_names(GOOD))
def test_a_good_value_is_taken_from_the_file(tmp_path: Path, name: str, text: str, value: Any) -> None:
    (tmp_path / "config.toml").write_text(f'{name.lower()} = "{text}"\n')
    company = {other: its for other, its in COMPANY.get(name, {}).items() if other != name}
    assert getattr(_load(tmp_path, **company), name.lower()) == value


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


def test_a_wrong_mail_server_is_shown_without_its_password(tmp_path: Path) -> None:
    [line] = _complaints(tmp_path, SMTP_URL="smtp://us%E4r:hunter2@mail.example.com")
    assert line.startswith("HUBINFO_SMTP_URL='smtp://us%E4r:***@mail.example.com': must be smtp://")
    assert "both in ASCII" in line
    [line] = _complaints(tmp_path, SMTP_URL="smtp://u:h%C3%BCnter2@mail.example.com")
    assert line.startswith("HUBINFO_SMTP_URL='smtp://u:***@mail.example.com': must be smtp://")
    [line] = _complaints(tmp_path, SMTP_URL="smtp://u:hunter2@mail.example.com/inbox")
    assert line.startswith("HUBINFO_SMTP_URL='smtp://u:***@mail.example.com/inbox': must be smtp:// or smtps://")


@pytest.mark.parametrize("together", [MAIL, WEBHOOK], ids=["mail", "webhook"])
def test_what_needs_each_other_is_set_together_or_one_line_says_what_is_missing(tmp_path: Path, together: dict[str, str]) -> None:
    for name, text in together.items():
        missing = " and ".join(f"HUBINFO_{other}" for other in together if other != name)
        assert _complaints(tmp_path, **{name: text}) == [f"HUBINFO_{name}: {missing} must be set too"]
        others = {other: its for other, its in together.items() if other != name}
        assert _complaints(tmp_path, **others) == [f"HUBINFO_{next(iter(others))}: HUBINFO_{name} must be set too"]


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
    channels = MAIL | {"SMTP_URL": "smtp://u:hunter2@x.example", **WEBHOOK, "NOTIFY_URLS": "json://u:hunter2@h"}
    shown = repr(_load(tmp_path, **secrets, **channels))
    assert "hunter2" not in shown
    assert "ssss" not in shown
    assert repr(bytes(24)) not in shown


@given(st.from_regex(r"[a-z0-9.!_~-]{1,6}@[a-z.-]{1,6}", fullmatch=True))
def test_every_mail_address_that_is_taken_can_be_written_to(text: str) -> None:
    try:
        checks.mail_address(text)
    except ValueError:
        return
    assert Address("hubinfo", addr_spec=text).addr_spec == text
