"""What the serving process does before its first request: schema, secrets, a greeting, the background thread."""

import atexit
import logging
import os
import shutil
import signal
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from flask import Flask, Response, current_app, request
from flask.helpers import get_debug_flag
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hubinfo import create_app, schema, web
from hubinfo.config import Settings, SettingsError, current_settings
from hubinfo.database import cause, db, write
from hubinfo.logs import say
from hubinfo.models import Platform
from hubinfo.ocpi.dialect import HUB
from hubinfo.ocpi.envelope import StatusCode
from hubinfo.operator.access import PASSWORD_FILE, operator_password
from hubinfo.operator.metrics import folder
from hubinfo.platforms import connections
from hubinfo.platforms.keys import keys_of
from hubinfo.platforms.vault import TokenUnreadable, make_once, make_secret
from hubinfo.worker import Worker

_log = logging.getLogger(__name__)
WORKER = "hubinfo.worker"
_APP_LOAD_ERROR = 4
"""To gunicorn: end the whole server. With any other code it starts one worker after another."""
_serving = threading.Lock()


class CannotServe(Exception):
    """The message has one line for each reason."""


def load(*, production: bool, instance_path: Path) -> Flask:
    """The app for `app.py` and `wsgi.py`; a wrong setting ends the process with one line each."""
    if under_flask():
        folder.leave_alone()
    alone = _count_together(instance_path) if production else None
    try:
        app = create_app(production=production, instance_path=instance_path)
    except SettingsError as error:
        give_up(str(error))
    if alone:
        say(_log, logging.WARNING, "metrics_not_shared", reason=alone, meaning="each process tells of itself only")
    if not under_flask():
        app.before_request(_serve_on_first_request)
    return app


def _count_together(instance_path: Path) -> OSError | None:
    """Several processes may serve one address: before metrics are imported, say where their counts are added up. Or why not."""
    try:
        folder.share(Path(os.environ.get("HUBINFO_INSTANCE_PATH") or instance_path).absolute())
    except OSError as error:
        return error
    return None


def give_up(lines: str) -> NoReturn:
    """End the process, saying why."""
    for line in lines.splitlines():
        print(f"hubinfo: {line}", file=sys.stderr)
    sys.exit(_APP_LOAD_ERROR if "gunicorn" in sys.modules and not under_flask() else 1)


def under_flask() -> bool:
    """Whether the `flask` command loads us: development defaults, even though it finds wsgi.py before app.py."""
    return os.environ.get("FLASK_RUN_FROM_CLI") == "true"


def prepare(app: Flask) -> None:
    """Folder, schema, secrets; greets on the first start. Ends the process when that is not possible."""
    try:
        with app.app_context():
            _prepare(current_settings())
            db.engine.dispose()  # no connection may be carried over a fork
    except CannotServe as error:
        give_up(str(error))


def _prepare(settings: Settings) -> None:
    """Raises CannotServe."""
    try:
        settings.instance_path.mkdir(parents=True, exist_ok=True)
        made = schema.ensure()
        made_password = _make_secrets(settings)
        _renew_tokens()
    except (schema.SchemaError, SettingsError) as error:
        raise CannotServe(str(error)) from None
    except SQLAlchemyError as error:
        raise CannotServe(f"database {schema.shown_url()} cannot be used: {cause(error)}") from None
    except OSError as error:
        raise CannotServe(f"folder {settings.instance_path} cannot be used: {error.strerror}") from None
    if made or made_password:
        _greet(settings)


def _make_secrets(settings: Settings) -> bool:
    """Whether the operator password was made just now."""
    keys_of(settings)
    path = settings.instance_path / PASSWORD_FILE
    return settings.operator_password is None and make_once(path, lambda: make_secret(12))


def serve(app: Flask, *, threads: int | None = None) -> Worker:
    """Start the background thread of this process; it stops when the process ends. `threads`: how many its server has."""
    if threads is not None:
        with app.app_context():
            connections().registrations.serve_with(threads)
    worker = Worker(app)
    app.extensions[WORKER] = worker
    worker.start()
    atexit.register(stop, app)
    return worker


def _serve_on_first_request() -> Response | None:
    """Where nobody has prepared this process, e.g. gunicorn without our gunicorn.conf.py: now, and so after any fork.

    When that is not possible the request is answered with the reason, and the next one tries again.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if WORKER in app.extensions:
        return None
    try:
        with _serving:
            if WORKER not in app.extensions:
                _prepare(current_settings())
                serve(app)
    except CannotServe as error:
        say(_log, logging.ERROR, "cannot_serve", reason=error)
        return None if request.endpoint == "health.healthz" else _unavailable(str(error))
    return None


def _unavailable(reason: str) -> Response:
    if web.is_ocpi():
        return web.answer(status_code=StatusCode.SERVER_ERROR, message=reason, http_status=HTTPStatus.SERVICE_UNAVAILABLE)
    return Response(f"hubinfo: {reason}\n", HTTPStatus.SERVICE_UNAVAILABLE, mimetype="text/plain")


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
    password = "as set" if given else operator_password()
    kept = "" if given else f"   (kept in {_shown(settings.instance_path / PASSWORD_FILE)})"
    on_file = db.engine.dialect.name == "sqlite"
    database = _shown(Path(db.engine.url.database or "")) if on_file else schema.shown_url()
    print(
        "hubinfo is set up.",
        f"  database           {database}",
        f"  operator password  {password}{kept}",
        f"  versions URL       {settings.versions_url}",
        f"  next               {_flask()} hubinfo {_next_command(settings)}",
        sep="\n",
        flush=True,
    )


def _next_command(settings: Settings) -> str:
    """A hub invites its first party, a party registers with its hub."""
    return "invite NL TNM --role CPO" if HUB in settings.roles else "register VERSIONS_URL TOKEN_A"


def _shown(path: Path) -> str:
    """Relative to where the reader stands, if it is below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _flask() -> str:
    """The `flask` of this environment, as the reader has to type it."""
    beside = Path(sys.executable).parent / "flask"
    return "flask" if shutil.which("flask") == str(beside) else _shown(beside)


def stop_on_sigterm(app: Flask) -> None:
    """Hand over the lease at once: gunicorn first waits for requests, and kills who has not ended by then."""
    ends_server = signal.getsignal(signal.SIGTERM)

    def hand_over(number: int, frame: FrameType | None) -> None:
        signal.signal(number, ends_server)
        app.extensions[WORKER].end()
        if callable(ends_server):
            ends_server(number, frame)

    signal.signal(signal.SIGTERM, hand_over)
    signal.siginterrupt(signal.SIGTERM, False)  # as gunicorn has it: requests under way go on


def stop(app: Flask) -> None:
    """Stop the background thread of this process, if it has one; called when the process ends, in its main thread."""
    worker: Worker | None = app.extensions.get(WORKER)
    if worker is not None:
        # It takes two seconds at most. A second Ctrl-C, or gunicorn's SIGQUIT on top of the first, would cut it short.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        worker.stop()
