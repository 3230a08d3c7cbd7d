"""A test run that is killed leaves no database behind for good: the next run removes it."""

import subprocess
import sys
import time

from sqlalchemy import make_url, text

from tests.support import databases
from tests.support.processes import SOURCES

USES_ONE = """
import time
from tests.support.databases import new_postgresql
with new_postgresql() as url:
    print(url, flush=True)
    time.sleep(600)
"""


def exists(url: str) -> bool:
    admin = databases.admin_engine()
    with admin.connect() as connection:
        name = make_url(url).database
        found = connection.scalar(text("SELECT count(*) FROM pg_database WHERE datname = :name"), {"name": name})
    admin.dispose()
    return bool(found)


def test_the_database_of_a_killed_run_is_removed_and_one_in_use_is_not() -> None:
    with databases.new_postgresql() as in_use:
        run = subprocess.Popen([sys.executable, "-c", USES_ONE], cwd=SOURCES, stdout=subprocess.PIPE, text=True)
        assert run.stdout is not None
        orphan = run.stdout.readline().strip()
        databases.remove_orphans()
        assert exists(orphan), "its run goes on"
        run.kill()
        run.communicate()
        deadline = time.monotonic() + 60
        while exists(orphan):  # the server has to notice that nobody is there any more
            databases.remove_orphans()
            assert time.monotonic() < deadline
        assert exists(in_use)
