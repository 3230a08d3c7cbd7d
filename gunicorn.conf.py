"""gunicorn's settings for hubinfo; those on the command line win."""

import logging
import os
from pathlib import Path
from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]

from hubinfo import logs, startup
from hubinfo.config import log_format
from hubinfo.operator.metrics import folder

bind = "127.0.0.1:5000"
# One process with threads: SQLite has one writer. With PostgreSQL more workers are welcome (-w), one does the background work.
workers = 1
worker_class = "gthread"
threads = 16
keepalive = 5
# A registration that waits for its peer is dropped on SIGTERM: nothing of it has been stored.
graceful_timeout = 3
# Nobody of ours listens there, and it would be a way in.
control_socket_disable = True
# SCRIPT_NAME is no header: by it a caller could ask for /metrics under a name that the proxy lets through.
forwarder_headers = ""

_INSTANCE = Path(__file__).parent / "instance"


class _Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's own lines in the form of ours, and so what other libraries warn of."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        environ = os.environ | cfg.env
        instance = Path(environ.get("HUBINFO_INSTANCE_PATH") or _INSTANCE)
        formatter = logs.OthersFormatter(log_format(instance, environ))
        for handler in filter(None, (logging.lastResort, self._get_gunicorn_handler(self.error_log))):
            handler.setFormatter(formatter)


logger_class = _Logger


def on_starting(_server: Any) -> None:
    """Once, before any worker: a wrong setting or an old schema ends the whole server here."""
    startup.prepare(startup.load(production=True, instance_path=_INSTANCE))


def post_worker_init(worker: Any) -> None:
    """In each worker, after the fork: its background thread."""
    startup.serve(worker.wsgi, threads=worker.cfg.threads)
    startup.stop_on_sigterm(worker.wsgi)


def worker_exit(_server: Any, worker: Any) -> None:
    """Hand over the lease. A worker that is stopped while it still loads has no app."""
    app = getattr(worker, "wsgi", None)
    if app is not None:
        startup.stop(app)


def on_exit(_server: Any) -> None:
    """After all workers: what they have counted goes with them."""
    folder.leave()
