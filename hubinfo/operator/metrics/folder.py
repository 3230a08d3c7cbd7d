"""Where the processes of one server count together: a folder of mapped files, known before prometheus_client is imported."""

import contextlib
import fcntl
import os
import shutil
import socket
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LOCK = "lock"
_KILLED_SECONDS = 1.0
"""gunicorn does not wait for the workers that it had to kill."""
_held: list[tuple[Path, int]] = []


def share(instance_path: Path) -> None:
    """Name the folder to prometheus_client: a fresh one, unless a process of this server is there already.

    What nobody uses any more is removed. Set by hand, the folder is used as it is. Raises OSError.
    """
    if VARIABLE in os.environ:
        Path(os.environ[VARIABLE]).mkdir(parents=True, exist_ok=True)
        return
    folders = instance_path / "metrics"
    folders.mkdir(parents=True, exist_ok=True)
    own = folders / _name()
    with _one_at_a_time(folders):
        _remove_unused(folders)
        own.mkdir(exist_ok=True)
        # Kept open, and by the workers after the fork: it says that somebody counts here, and the kernel lets go of it.
        _held.append((own, _lock(own / _LOCK, fcntl.LOCK_SH)))
    os.environ[VARIABLE] = str(own)


def leave_alone() -> None:
    """A command, or `flask run`, counts by itself: it would leave a file behind, and its counts would be taken for the server's."""
    os.environ.pop(VARIABLE, None)


def _name() -> str:
    """The same in a master, its workers, and a master that takes over: a process group, and how it was started."""
    # A script may start two servers in its own group: they listen at different addresses, which stand in one of these.
    started = repr((sys.argv, os.environ.get("GUNICORN_CMD_ARGS"), os.environ.get("PORT"), Path.cwd()))
    return f"{socket.gethostname()}-{os.getpgrp()}-{zlib.crc32(started.encode()):08x}"


def leave() -> None:
    """The end of the master, after its workers: its folder goes, unless another process of the group goes on."""
    while _held:
        own, number = _held.pop()
        os.close(number)
        deadline = time.monotonic() + _KILLED_SECONDS
        with contextlib.suppress(OSError):
            while own.exists() and time.monotonic() < deadline:
                with _one_at_a_time(own.parent):
                    _remove_unused(own.parent)
                time.sleep(_KILLED_SECONDS / 20)


@contextmanager
def _one_at_a_time(folders: Path) -> Iterator[None]:
    number = _lock(folders / _LOCK, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(number)


def _remove_unused(folders: Path) -> None:
    for folder in folders.iterdir():
        if folder.is_dir() and not _is_used(folder):
            shutil.rmtree(folder)


def _is_used(folder: Path) -> bool:
    try:
        os.close(_lock(folder / _LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return True
    return False


def _lock(path: Path, operation: int) -> int:
    """Its file number; closing it lets go. Raises BlockingIOError when it is taken and is not to be waited for."""
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(number, operation)
    except OSError:
        os.close(number)
        raise
    return number
