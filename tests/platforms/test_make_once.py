"""A secret is made by one of all who need it, also where the file system knows no hard links."""

import threading
from pathlib import Path

from hubinfo.platforms.vault import make_once


def no_hard_links(_draft: Path, _path: Path) -> None:
    """As on FAT, and in some containers."""
    raise PermissionError(1, "Operation not permitted")


def test_a_secret_is_made_once_where_there_are_no_hard_links(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    assert make_once(path, lambda: "first", no_hard_links)
    assert not make_once(path, lambda: "second", no_hard_links)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("first\n", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["secret.key"]


def test_of_many_threads_without_hard_links_one_makes_it(tmp_path: Path) -> None:
    path, made, start = tmp_path / "secret.key", list[int](), threading.Barrier(8)

    def make(number: int) -> None:
        start.wait()
        if make_once(path, lambda: str(number), no_hard_links):
            made.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == f"{made[0]}\n"
    assert len(made) == 1
