"""The pages as a whole: every command is typed by a test, every link leads somewhere."""

import re

from tests.support.processes import SOURCES

PAGES = ("install", "docker", "configure", "operate", "postgresql", "troubleshoot")
TYPED = {
    ("install", "By hand"),
    ("operate", "Backup"),
    ("operate", "Restore"),
    ("operate", "Backup and restore under systemd"),
    ("operate", "Backup and restore on PostgreSQL"),
    ("operate", "SECRET_KEY"),
    ("operate", "A lost key"),
    ("operate", "OCPI tokens"),
    ("postgresql", "Moving there from SQLite"),
}
NOT_TYPED = {
    ("install", "As a service of systemd"): "as root, on a host of one's own",
    **{
        ("docker", heading): "needs Docker's daemon; tests/deploy/test_docker.py types it when asked to"
        for heading in ("A hub on SQLite", "Backup", "Restore", "Upgrade", "On PostgreSQL", "Moving there from SQLite")
    },
    ("install", "Afterwards"): "tests/operator/test_doctor.py",
    ("operate", "Upgrade"): "needs the network; tests/database/test_migrations.py has what comes after",
    ("operate", "Who may register as whom"): "tests/platforms/test_registration_policy.py",
    ("postgresql", "A new hub"): "makes an account; tests/deploy/test_images.py upgrades and serves",
}


def test_the_commands_below_each_heading_are_typed_or_it_is_said_why_not() -> None:
    found = set()
    for page in PAGES:
        for part in (SOURCES / "docs" / f"{page}.md").read_text().split("\n## ")[1:]:
            if "```console" in part:
                found.add((page, part.partition("\n")[0]))
    assert found == TYPED | set(NOT_TYPED)


def test_every_link_of_the_pages_leads_somewhere() -> None:
    for page in (SOURCES / "docs").glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).resolve().exists(), f"{page.name}: {link}"


def test_the_index_names_every_page() -> None:
    index = (SOURCES / "docs" / "README.md").read_text()
    pages = {page.name for page in (SOURCES / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()
