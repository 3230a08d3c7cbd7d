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
from tests.support.setting_values import COMPANY, GOOD, MAIL, WEBHOOK, WRONG, WRONG_SECRETS

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
