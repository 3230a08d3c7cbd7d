"""Is everything as it has to be? Each check says what it saw, and what to do where it failed."""

import sqlite3
import stat
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from hubinfo import clock, lease, schema
from hubinfo.config import SettingsError, current_settings
from hubinfo.database import SQLITE_HAS_WAL_RESET_BUG, db
from hubinfo.models import ClientInfo, Platform
from hubinfo.notify import outbox
from hubinfo.notify.channels import configured
from hubinfo.notify.elsewhere import Elsewhere
from hubinfo.ocpi.client import Client, PeerError, Request
from hubinfo.ocpi.guard import Guard
from hubinfo.operator.health import why_no_background_work
from hubinfo.platforms import connections
from hubinfo.platforms.vault import KEY_FILE
from hubinfo.settings import OPEN

_TOLERATED = timedelta(seconds=2)


class Failed(Exception):
    """The check failed; the message says why and what to do."""


def examine() -> list[dict[str, Any]]:
    """All checks, in order."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("settings", _settings),
        ("registration", _registration),
        ("database", _database),
        ("sqlite", _sqlite),
        ("secrets", _secrets),
        ("clock", _clock),
        ("background work", _background_work),
        ("versions URL", _versions_url),
        ("notifications", _notifications),
    )
    return [_run(name, check) for name, check in checks]


def _run(name: str, check: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"check": name, "ok": True, "message": check()}
    except Failed as failed:
        return {"check": name, "ok": False, "message": str(failed)}
    except SettingsError as error:
        return {"check": name, "ok": False, "message": str(error)}
    except SQLAlchemyError:
        db.session.rollback()
        return {"check": name, "ok": False, "message": "not checked: see database"}


def _settings() -> str:
    settings = current_settings()
    what = f"{settings.party} ({settings.name}), roles {', '.join(settings.roles)}, OCPI {', '.join(settings.versions)}"
    placeholder = "; COUNTRY_CODE XX is a placeholder that production refuses" if settings.country_code == "XX" else ""
    return what + placeholder


def _registration() -> str:
    settings = current_settings()
    whom = "any party that nobody holds" if settings.registration == OPEN else "only parties invited for it"
    return f"{settings.registration}: a platform may register {whom}, in at most {settings.max_roles} roles"


def _database() -> str:
    try:
        lease.ensure_schema()
    except schema.SchemaError as error:
        raise Failed(str(error)) from None
    rows = db.session.scalar(select(func.count()).select_from(ClientInfo))
    return f"{schema.shown_url()}, schema {schema.current()}, {rows} {'party' if rows == 1 else 'parties'}"


def _sqlite() -> str:
    if db.engine.dialect.name != "sqlite":
        return f"not used; {db.engine.dialect.name} is"
    if SQLITE_HAS_WAL_RESET_BUG:
        return (
            f"{sqlite3.sqlite_version} has the WAL-reset bug (fixed in 3.51.3, 3.50.7, 3.44.6): automatic checkpoints are off, "
            "the background work alone checkpoints, with writers shut out"
        )
    return f"{sqlite3.sqlite_version}, without the WAL-reset bug; SQLite checkpoints by itself"


def _secrets() -> str:
    settings = current_settings()
    path = settings.instance_path / KEY_FILE
    if not settings.secret_key and path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Failed(f"{path} can be read by others; run: chmod 600 {path}")
    stored = db.session.execute(select(Platform.name, Platform.token_out).where(Platform.token_out.is_not(None))).all()
    unreadable = [name for name, token in stored if not connections().vault.can_read(token or "")]
    if unreadable:
        raise Failed(
            f"tokens of {', '.join(unreadable)} cannot be decrypted; put the key they were stored under back into SECRET_KEY"
        )
    return f"all {len(stored)} stored tokens can be decrypted{_if_short(settings.secret_key)}"


def _if_short(keys: tuple[str, ...]) -> str:
    """Any key is taken, but whoever gets hold of the database can try all the short ones."""
    return "; SECRET_KEY is short: use at least 32 random characters" if any(len(key) < 16 for key in keys) else ""


def _clock() -> str:
    """Against the database's own clock, and what it holds: a row from the future would make new ones look old to receivers."""
    now = clock.now()
    if db.engine.dialect.name == "postgresql":
        theirs = db.session.scalar(select(func.clock_timestamp()))
        if theirs is not None and abs(theirs - now) > _TOLERATED:
            raise Failed(f"differs from the database server's by {abs(theirs - now).total_seconds():.1f} s; set both by NTP")
    latest = db.session.scalar(select(func.max(ClientInfo.last_updated)))
    if latest is not None and latest > now + _TOLERATED:
        raise Failed(f"it is {clock.render(now)}, but a party was last updated {clock.render(latest)}; set the clock by NTP")
    return clock.render(now)


def _background_work() -> str:
    reason = why_no_background_work()
    if reason is not None:
        raise Failed(f"{reason.removeprefix('background work: ')}; is the server running?")
    return "one process is doing it"


def _versions_url() -> str:
    """Without a token: our own 401 in OCPI's envelope shows that it is us who answer."""
    url = current_settings().versions_url
    guard, certificates = Guard(allow_private_networks=True, allow_http=True), current_settings().certificates
    client = Client(guard, timeout_seconds=5, certificates=certificates, agent="hubinfo doctor")
    try:
        client.call(Request(url=url, token=None))
    except PeerError as error:
        if error.http_status == 401 and error.status_code is not None:
            return f"{url} answers"
        raise Failed(f"{url}: {error}; is the server running, and does PUBLIC_URL lead to it?") from None
    raise Failed(f"{url} answers without asking for a token, so it is not this platform")


def _notifications() -> str:
    """Nothing is sent: that is for `notify-test`."""
    channels = configured(current_settings())
    if not channels:
        return "not configured"
    unclear = [name for name, channel in channels.items() if isinstance(channel, Elsewhere) and not channel.is_understood()]
    if unclear:
        raise Failed(f"apprise does not understand the URL of {', '.join(unclear)}; see NOTIFY_URLS")
    waiting = outbox.waiting(db.session())
    failing = [f"{name}: {reason} ({count} waiting)" for name, count, reason in waiting if reason]
    if failing:
        raise Failed(f"cannot be sent by {'; '.join(failing)}; try: flask hubinfo notify-test")
    return f"{'; '.join(f'{name} {channel}' for name, channel in channels.items())}; to try: flask hubinfo notify-test"
