"""Where settings come from: defaults < `instance/config.toml` < environment (`HUBINFO_…`)."""

import contextlib
import difflib
import importlib
import os
import ssl
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from flask import current_app

from hubinfo.ocpi.certificates import Certificates
from hubinfo.settings import Settings as Settings

PREFIX = "HUBINFO_"
# Read by others under our prefix: where the instance folder is (before any setting can be), and the test suite's database.
NOT_SETTINGS = {"INSTANCE_PATH", "TEST_DATABASE_URL"}


class SettingsError(Exception):
    """Settings that cannot be used; one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))


_SETTINGS = {item.name: item for item in fields(Settings) if "parse" in item.metadata}


def load(
    instance_path: Path,
    *,
    production: bool = False,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read and check every setting; `overrides` (lower-case names) win over all.

    Raises SettingsError with one line for each wrong or unknown setting.
    """
    given = _from_file(instance_path / "config.toml") | _from_environment(environ)
    given |= {name: (name, value) for name, value in (overrides or {}).items()}
    wrong: list[str] = []
    values = {name: _check(name, source, value, wrong) for name, (source, value) in given.items()}
    if not wrong:
        settings = Settings(**_defaults(instance_path, production) | values)
        wrong = _check_together(settings)
    if wrong:
        raise SettingsError(wrong)
    return settings


def log_format(instance_path: Path, environ: Mapping[str, str]) -> str:
    """LOG_FORMAT alone, for what is said before there is an app. Where it cannot be read, its default: `load` says why."""
    given: dict[str, tuple[str, object]] = {}
    with contextlib.suppress(SettingsError):
        given = _from_file(instance_path / "config.toml")
    source, value = (given | _from_environment(environ)).get("log_format", ("", Settings.log_format))
    return _check("log_format", source, value, []) or Settings.log_format


def _defaults(instance_path: Path, production: bool) -> dict[str, Any]:
    return {
        "instance_path": instance_path,
        "production": production,
        "database_url": f"sqlite:///{instance_path / 'hubinfo.sqlite3'}",
        "allow_private_networks": not production,
        "allow_http": not production,
    }


def _from_file(path: Path) -> dict[str, tuple[str, object]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)  # a password such as 1e9 stays as written
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}"]) from None
    return {name: (f"{path}: {name}", value) for name, value in content.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, object]]:
    return {
        name.removeprefix(PREFIX).lower(): (name, text)
        for name, text in environ.items()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NOT_SETTINGS
    }


def _check(name: str, source: str, value: object, wrong: list[str]) -> Any:
    item = _SETTINGS.get(name)
    if item is None:
        wrong.append(f"{source}: no such setting{_suggestion(name, source)}")
        return None
    try:
        return item.metadata["parse"](_as_text(value, may_be_list=isinstance(item.default, tuple)))
    except (ValueError, KeyError):
        wrong.append(f"{source}={item.metadata['shown'](value)}: must be {item.metadata['allowed']}")
        return None


def _suggestion(name: str, source: str) -> str:
    """The setting that was probably meant, spelled as it has to be where the wrong one stands."""
    close = difflib.get_close_matches(name.lower().removeprefix(PREFIX.lower()), _SETTINGS, 1)
    spelled = [PREFIX + name.upper() if source.startswith(PREFIX) else name for name in close]
    return f"; did you mean {spelled[0]}?" if spelled else ""


def _as_text(value: object, *, may_be_list: bool) -> str:
    """A TOML value as the environment would spell it."""
    match value:
        case str():
            return value.strip()
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list() | tuple() if may_be_list:
            return ",".join(_as_text(item, may_be_list=False) for item in value)
        case _:
            raise ValueError


def _check_together(settings: Settings) -> list[str]:
    wrong = []
    if settings.production and settings.country_code == "XX":
        wrong.append(f"{PREFIX}COUNTRY_CODE={settings.country_code!r}: must be this hub's own country code in production")
    if settings.database_url.startswith("postgresql"):
        wrong += _without("psycopg", "DATABASE_URL: PostgreSQL", "psycopg[binary]>=3.2,<4")
    if settings.notify_urls:
        wrong += _without("apprise", "NOTIFY_URLS: it", "apprise>=1.9,<3")
    wrong += [f"{PREFIX}{name}: {needed} must be set too" for name, needed in _needed(settings)]
    return wrong + list(_certificates_of_no_use(settings.certificates))


def _certificates_of_no_use(certificates: Certificates) -> Iterator[str]:
    """Found out at the start rather than by the first peer that demands one."""
    try:
        certificates.load_own(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except OSError as error:
        why = (getattr(error, "reason", None) or error.strerror or str(error)).replace("_", " ").lower()
        key = f" with CLIENT_KEY_FILE={certificates.client_key_file!r}" if certificates.client_key_file else ""
        must = "a certificate in PEM and its key, in the same file or in CLIENT_KEY_FILE, without a password"
        yield f"{PREFIX}CLIENT_CERT_FILE={certificates.client_cert_file!r}{key}: must be {must}; as it is: {why}"


def _needed(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a channel of notifications consists of, all or nothing: a setting that is there and one that is missing."""
    for names in (("NOTIFY_MAIL_TO", "NOTIFY_MAIL_FROM", "SMTP_URL"), ("NOTIFY_WEBHOOK_URL", "NOTIFY_WEBHOOK_SECRET")):
        there = [name for name in names if getattr(settings, name.lower())]
        missing = [f"{PREFIX}{name}" for name in names if name not in there]
        if there and missing:
            yield there[0], " and ".join(missing)
    if settings.client_key_file and not settings.client_cert_file:
        yield "CLIENT_KEY_FILE", f"{PREFIX}CLIENT_CERT_FILE"


def _without(module: str, needs_it: str, package: str) -> list[str]:
    """It may be there and yet not be importable, without a library of its own.

    The package itself is named: hubinfo is on no index, so its extras cannot be asked for everywhere.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        cause = str(error).strip().partition("\n")[0]
        return [f"{PREFIX}{needs_it} needs {module} ({cause}); run: pip install '{package}'"]
    return []


def current_settings() -> Settings:
    """The settings of the app whose context is active."""
    settings = current_app.extensions["hubinfo.settings"]
    assert isinstance(settings, Settings)
    return settings
