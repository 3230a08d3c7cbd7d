"""Every setting: its name, its default, its check. Defaults < `instance/config.toml` < environment (`HUBINFO_…`)."""

import difflib
import importlib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from flask import current_app

from hubinfo import checks
from hubinfo.ocpi.dialect import DIALECTS, ROLES

PREFIX = "HUBINFO_"
# Read by others under our prefix: where the instance folder is (before any setting can be), and the test suite's database.
NOT_SETTINGS = {"INSTANCE_PATH", "TEST_DATABASE_URL"}
LONGEST_SECONDS = 1_000_000_000  # thirty years; far beyond it there are no dates


class SettingsError(Exception):
    """Settings that cannot be used; one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))


def _setting(default: Any, parse: Callable[[str], Any], allowed: str, *, shown: Callable[[object], str] = repr) -> Any:
    """`shown` is for a wrong value. One that must not be shown as it is does not stand in a traceback either."""
    return field(default=default, repr=shown is repr, metadata={"parse": parse, "allowed": allowed, "shown": shown})


def _seconds(default: float, low: float = 0.001, high: float = LONGEST_SECONDS) -> Any:
    return _setting(default, checks.number(low, high), f"a number of seconds from {low} to {high}")


def _whole(default: int, high: int) -> Any:
    return _setting(default, checks.integer(1, high), f"a whole number from 1 to {high}")


def _without_password(value: object) -> str:
    return repr(checks.without_password(str(value).strip()))


def _hidden(_value: object) -> str:
    return "(not shown)"


_BOOLEAN: tuple[Callable[[str], bool], str] = (checks.boolean, "true or false")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process, checked."""

    instance_path: Path
    production: bool = False

    database_url: str = _setting(
        "", checks.database_url, "sqlite:///FILE or postgresql://USER@HOST/DATABASE", shown=_without_password
    )
    public_url: str = _setting(
        "http://127.0.0.1:5000", checks.base_url, "an http(s) URL of at most 200 characters, no query, no user"
    )
    country_code: str = _setting("XX", checks.matching("[A-Za-z]{2}"), "two letters")
    party_id: str = _setting("HUB", checks.matching("[A-Za-z0-9]{3}"), "three letters or digits")
    name: str = _setting("hubinfo", checks.printable, "a text that is not empty")
    roles: tuple[str, ...] = _setting(("HUB",), checks.each_of(ROLES), f"a comma list of {', '.join(ROLES)}")
    versions: tuple[str, ...] = _setting(tuple(DIALECTS), checks.each_of(DIALECTS), f"a comma list of {', '.join(DIALECTS)}")
    keepalive_seconds: float = _seconds(300.0)
    keepalive_retry_seconds: float = _seconds(10.0)
    offline_after_failures: int = _whole(2, 1_000_000)
    request_timeout_seconds: float = _seconds(10.0, 0.01, 3600)
    push_concurrency: int = _whole(32, 1000)
    push_retry_seconds: float = _seconds(1.0, high=60)
    catch_up: bool = _setting(False, *_BOOLEAN)
    sync_seconds: float = _seconds(86400.0)
    page_limit: int = _whole(100, 1_000_000)
    history_days: int = _whole(400, 36_500)
    strict: bool = _setting(False, *_BOOLEAN)
    allow_private_networks: bool = _setting(None, *_BOOLEAN)
    allow_http: bool = _setting(None, *_BOOLEAN)
    ca_file: str | None = _setting(None, checks.existing_file, "a file with the CA certificates to trust, PEM")
    secret_key: tuple[str, ...] = _setting(
        (), checks.secrets, "one secret or several, comma-separated, newest first, none empty", shown=_hidden
    )
    operator_password: str | None = _setting(None, checks.printable, "a text that is not empty", shown=_hidden)
    metrics_token: str | None = _setting(None, checks.matching("[!-~]+"), "ASCII characters without spaces", shown=_hidden)
    log_format: str = _setting("text", checks.matching("text|json"), "text or json")

    notify_mail_to: tuple[str, ...] = _setting((), checks.mail_addresses, "a comma list of mail addresses")
    notify_mail_from: str | None = _setting(None, checks.mail_address, "a mail address")
    smtp_url: str | None = _setting(
        None, checks.smtp_url, "smtp:// or smtps://, then HOST or USER:PASSWORD@HOST, perhaps :PORT", shown=_without_password
    )
    notify_webhook_url: str | None = _setting(
        None, checks.webhook_url, "an http(s) URL of at most 1000 characters, no user", shown=_hidden
    )
    notify_webhook_secret: bytes | None = _setting(
        None, checks.webhook_secret, "whsec_ and 24 to 64 bytes in base64", shown=_hidden
    )
    notify_urls: tuple[str, ...] = _setting((), checks.apprise_urls, "a comma list of apprise URLs", shown=_hidden)
    notify_offline_seconds: float = _seconds(600.0, 0)
    notify_untold_seconds: float = _seconds(900.0, 0)
    notify_group_seconds: float = _seconds(30.0, 0)
    notify_quiet_seconds: float = _seconds(3600.0, 0)

    @property
    def versions_url(self) -> str:
        """The one URL told to others (OCPI 2.2.1 versions)."""
        return f"{self.public_url}/ocpi/versions"

    @property
    def party(self) -> str:
        """This platform's short name."""
        return f"{self.country_code}-{self.party_id}".upper()


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
    given = _from_file(instance_path / "config.toml")
    given |= {
        name.removeprefix(PREFIX).lower(): (name, text)
        for name, text in environ.items()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NOT_SETTINGS
    }
    given |= {name: (name, value) for name, value in (overrides or {}).items()}
    wrong: list[str] = []
    values = {name: _check(name, source, value, wrong) for name, (source, value) in given.items()}
    if not wrong:
        settings = Settings(**_defaults(instance_path, production) | values)
        wrong = _check_together(settings)
    if wrong:
        raise SettingsError(wrong)
    return settings


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
    if settings.production and settings.country_code.upper() == "XX":
        wrong.append(f"{PREFIX}COUNTRY_CODE={settings.country_code!r}: must be this hub's own country code in production")
    if settings.database_url.startswith("postgresql"):
        wrong += _without("psycopg", "DATABASE_URL: PostgreSQL", "postgresql")
    if settings.notify_urls:
        wrong += _without("apprise", "NOTIFY_URLS: it", "notify")
    return wrong + [f"{PREFIX}{name}: {needed} must be set too" for name, needed in _needed(settings)]


def _needed(settings: Settings) -> Iterator[tuple[str, str]]:
    """What a channel of notifications consists of, all or nothing: a setting that is there and one that is missing."""
    for names in (("NOTIFY_MAIL_TO", "NOTIFY_MAIL_FROM", "SMTP_URL"), ("NOTIFY_WEBHOOK_URL", "NOTIFY_WEBHOOK_SECRET")):
        there = [name for name in names if getattr(settings, name.lower())]
        missing = [f"{PREFIX}{name}" for name in names if name not in there]
        if there and missing:
            yield there[0], " and ".join(missing)


def _without(module: str, needs_it: str, extra: str) -> list[str]:
    """It is an extra, and without a library of its own it is there and yet cannot be imported."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        cause = str(error).strip().partition("\n")[0]
        return [f"{PREFIX}{needs_it} needs {module} ({cause}); run: pip install 'hubinfo[{extra}]'"]
    return []


def current_settings() -> Settings:
    """The settings of the app whose context is active."""
    settings = current_app.extensions["hubinfo.settings"]
    assert isinstance(settings, Settings)
    return settings
