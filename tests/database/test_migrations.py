"""A migration of tomorrow: the sources with one revision more, over a database that has rows."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hubinfo import clock
from hubinfo.database import write
from hubinfo.models import Refusal
from hubinfo.schema import _head
from tests.support.databases import new_database
from tests.support.processes import SOURCES, Installation

NEXT = "9000"
HEADER = f"""
from alembic import op

revision, down_revision, branch_labels, depends_on = "{NEXT}", "{_head()}", None, None
"""
REMAKE_PLATFORM = f"""{HEADER}
def upgrade():
    with op.batch_alter_table("platform") as platform:
        platform.create_check_constraint("status_is_known", "status <> 'UNKNOWN'")

def downgrade():
    with op.batch_alter_table("platform") as platform:
        platform.drop_constraint(op.f("ck_platform_status_is_known"), type_="check")
"""
LOSE_PLATFORMS = f"""{HEADER}
def upgrade():
    op.execute("INSERT INTO counter (name, value) VALUES ('other', 1)")
    op.execute("DELETE FROM platform")
"""
TABLES = ("counter", "platform", "client_info", "history", "refusal")


class Release:
    """An installation with a connected platform, and the sources of the release after this one."""

    def __init__(self, installation: Installation, url: str) -> None:
        self.installation, self._engine = installation, create_engine(url)
        self._sources = installation.folder / "next"
        for name in ("hubinfo", "migrations"):
            shutil.copytree(SOURCES / name, self._sources / name)
        self.upgrade_works()
        installation.connect("http://peer.test", ("CPO", "NL", "TNM"), ("EMSP", "NL", "TNM"))
        with installation.app.app_context(), write() as session:
            session.add(Refusal(platform_id=1, client_info_id=1, at=clock.now(), reason="no"))
        self.before = self.rows()
        assert [len(rows) for rows in self.before.values()] == [2, 1, 2, 2, 1]

    def install(self, migration: str) -> None:
        """From here on it is the next release that runs."""
        (self._sources / "migrations" / "versions" / "next.py").write_text(migration)
        self.installation.environment["PYTHONPATH"] = str(self._sources)

    def install_the_one_before(self) -> None:
        self.installation.environment["PYTHONPATH"] = str(SOURCES)

    def upgrade_works(self) -> None:
        result = self.installation.flask("db", "upgrade")
        assert result.returncode == 0, result.stderr

    def fails(self, *arguments: str) -> str:
        """The one line it says on stderr."""
        result = self.installation.flask(*arguments)
        assert result.returncode == 1
        [line] = result.stderr.splitlines()
        return line

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        with self._engine.connect() as connection:
            found = {name: connection.execute(text(f"SELECT * FROM {name} ORDER BY 1")).all() for name in TABLES}
        self._engine.dispose()
        return {name: [tuple(row) for row in rows] for name, rows in found.items()}

    def version(self) -> str:
        with self._engine.connect() as connection:
            version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        self._engine.dispose()
        return str(version)


@pytest.fixture
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Release]:
    with new_database(request.param, tmp_path) as url, Installation(tmp_path, DATABASE_URL=url) as installation:
        installation.set(SECRET_KEY="0123456789abcdef", OPERATOR_PASSWORD="operator")
        yield Release(installation, url)


ON_BOTH = pytest.mark.parametrize("release", ["sqlite", "postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("release", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("release", ["postgresql"], indirect=True)


@ON_BOTH
def test_a_table_is_remade_and_what_refers_to_it_stays(release: Release) -> None:
    """On SQLite, dropping the old table with foreign keys on would delete every row that refers to it."""
    release.install(REMAKE_PLATFORM)
    release.upgrade_works()
    assert (release.version(), release.rows()) == (NEXT, release.before)
    assert release.installation.flask("db", "downgrade").returncode == 0
    assert (release.version(), release.rows()) == (_head(), release.before)


@ON_SQLITE
def test_sqlite_is_upgraded_on_start(release: Release) -> None:
    release.install(REMAKE_PLATFORM)
    release.installation.flask_run().wait_until_ready()
    assert (release.version(), release.rows()) == (NEXT, release.before)


@ON_SQLITE
def test_a_migration_that_breaks_foreign_keys_is_rolled_back_as_a_whole(release: Release) -> None:
    release.install(LOSE_PLATFORMS)
    assert "breaks foreign keys, nothing was changed" in release.fails("db", "upgrade")
    assert (release.version(), release.rows()) == (_head(), release.before)


@ON_POSTGRESQL
def test_postgresql_with_an_old_schema_is_not_served_but_upgraded_by_the_command_it_names(release: Release) -> None:
    release.install(REMAKE_PLATFORM)
    server = release.installation.flask_run()
    assert server.ended(60) == 1
    [line] = server.lines
    assert line.endswith(f"has schema {_head()} and needs {NEXT}; run: flask db upgrade")
    assert line.removeprefix("hubinfo: ") == release.fails("hubinfo", "parties").removeprefix("Error: ")
    assert release.version() == _head()
    release.upgrade_works()
    release.installation.flask_run().wait_until_ready()
    assert (release.version(), release.rows()) == (NEXT, release.before)


@ON_BOTH
def test_going_back_to_the_release_before_is_refused(release: Release) -> None:
    release.install(REMAKE_PLATFORM)
    release.upgrade_works()
    release.install_the_one_before()
    assert "made by a newer hubinfo" in release.fails("hubinfo", "parties")
    assert release.version() == NEXT
