"""What the serving process does before its first request: schema, secrets, a greeting, the background thread."""

import atexit
import logging
import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from flask import Flask
from flask.helpers import get_debug_flag
from sqlalchemy import select

from hubinfo import create_app, schema
from hubinfo.config import Settings, SettingsError, current_settings
from hubinfo.database import db, write
from hubinfo.logs import say
from hubinfo.models import Platform
from hubinfo.platforms import connections
from hubinfo.platforms.vault import TokenUnreadable, keys_in, make_once
from hubinfo.worker import Worker

_log = logging.getLogger(__name__)
PASSWORD_FILE = "operator.password"  # noqa: S105
WORKER = "hubinfo.worker"
_APP_LOAD_ERROR = 4
"""To gunicorn: end the whole server. With any other code it starts one worker after another."""


def load(*, production: bool, instance_path: Path) -> Flask:
    """The app for `app.py` and `wsgi.py`; a wrong setting ends the process with one line each."""
    try:
        return create_app(production=production, instance_path=instance_path)
    except SettingsError as error:
        give_up(str(error))


def give_up(lines: str) -> NoReturn:
    """End the process, saying why."""
    for line in lines.splitlines():
        print(f"hubinfo: {line}", file=sys.stderr)
    sys.exit(_APP_LOAD_ERROR if "gunicorn" in sys.modules and not under_flask() else 1)


def under_flask() -> bool:
    """Whether the `flask` command loads us: development defaults, even though it finds wsgi.py before app.py."""
    return os.environ.get("FLASK_RUN_FROM_CLI") == "true"


def prepare(app: Flask) -> None:
    """Folder, schema, secrets; greets on the first start. Ends the process when the database cannot be used."""
    with app.app_context():
        settings = current_settings()
        try:
            settings.instance_path.mkdir(parents=True, exist_ok=True)
            made = schema.ensure()
            made_password = _make_secrets(settings)
        except schema.SchemaError as error:
            give_up(str(error))
        except OSError as error:
            give_up(f"folder {settings.instance_path} cannot be used: {error.strerror}")
        _renew_tokens()
        if made or made_password:
            _greet(settings)
        db.engine.dispose()  # no connection may be carried over a fork


def _make_secrets(settings: Settings) -> bool:
    """Whether the operator password was made just now."""
    if not settings.secret_key:
        keys_in(settings.instance_path)
    path = settings.instance_path / PASSWORD_FILE
    return settings.operator_password is None and make_once(path, lambda: secrets.token_urlsafe(12))


def serve(app: Flask) -> Worker:
    """Start the background thread of this process; it stops when the process ends."""
    worker = Worker(app)
    app.extensions[WORKER] = worker
    worker.start()
    atexit.register(stop, app)
    return worker


def serve_under_flask_run(app: Flask) -> None:
    """Under `flask run` this is the serving process, unless its reloader has another one serve; under a command it is not."""
    if _is_serving():
        prepare(app)
        signal.signal(signal.SIGTERM, _end)
        serve(app)


def _is_serving() -> bool:
    context = click.get_current_context(silent=True)
    if not under_flask() or context is None or context.info_name != "run":
        return False
    reload = context.params.get("reload")
    reloads = get_debug_flag() if reload is None else reload
    return not reloads or os.environ.get("WERKZEUG_RUN_MAIN") == "true"


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """As Ctrl-C would: leave through the exit hooks, so that the lease is handed over."""
    sys.exit(0)


def _renew_tokens() -> None:
    """Encrypt under the newest key what an older one wrote, so that the older one can be dropped."""
    vault = connections().vault
    with write() as session:
        for platform in session.scalars(select(Platform).where(Platform.token_out.is_not(None))):
            try:
                platform.token_out = vault.renewed(platform.token_out or "")
            except TokenUnreadable as error:
                say(_log, logging.ERROR, "token_unreadable", platform=platform.name, reason=error)


def _greet(settings: Settings) -> None:
    given = settings.operator_password is not None
    password = "as set" if given else (settings.instance_path / PASSWORD_FILE).read_text().strip()
    kept = "" if given else f"   (kept in {_shown(settings.instance_path / PASSWORD_FILE)})"
    on_file = db.engine.dialect.name == "sqlite"
    database = _shown(Path(db.engine.url.database or "")) if on_file else schema.shown_url()
    print(
        "hubinfo is set up.",
        f"  database           {database}",
        f"  operator password  {password}{kept}",
        f"  versions URL       {settings.versions_url}",
        f"  next               {_flask()} hubinfo invite NL TNM --role CPO",
        sep="\n",
        flush=True,
    )


def _shown(path: Path) -> str:
    """Relative to where the reader stands, if it is below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _flask() -> str:
    """The `flask` of this environment, as the reader has to type it."""
    beside = Path(sys.executable).parent / "flask"
    return "flask" if shutil.which("flask") == str(beside) else _shown(beside)


def stop(app: Flask) -> None:
    """Stop the background thread of this process, if it has one; called when the process ends, in its main thread."""
    worker: Worker | None = app.extensions.get(WORKER)
    if worker is not None:
        # It takes two seconds at most. A second Ctrl-C, or gunicorn's SIGQUIT on top of the first, would cut it short.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        worker.stop()
