"""The pages for who runs it, typed as they stand there, and held to what they show."""

import re
from pathlib import Path

from sqlalchemy import func, select

from hubinfo.database import db
from hubinfo.lease import Claim
from hubinfo.models import Platform
from tests.support.databases import at, new_database
from tests.support.hubs import stored
from tests.support.instances import Instances
from tests.support.pages import MOVED_TO, Terminal, follow, section, steps
from tests.support.processes import SOURCES, Installation


def test_the_key_is_rotated(installation: Installation, terminal: Terminal) -> None:
    put_in_front, drop = section("operate", "SECRET_KEY")
    stop = installation.serve()
    installation.connect("http://127.0.0.1:9", ("CPO", "NL", "TNM"))
    stop()
    [old] = (installation.instance / "secret.key").read_text().split()
    follow(terminal, put_in_front)
    assert (installation.instance / "secret.key").stat().st_mode & 0o777 == 0o600
    installation.serve()()
    follow(terminal, drop)
    [new] = (installation.instance / "secret.key").read_text().split()
    assert new != old
    assert "all 1 stored tokens" in "\n".join(terminal.run("flask hubinfo doctor"))


def test_after_a_lost_key_a_platform_begins_anew(installation: Installation, terminal: Terminal) -> None:
    [begin_anew] = section("operate", "A lost key")
    stop = installation.serve()
    installation.connect("http://127.0.0.1:9", ("CPO", "NL", "TNM"))
    stop()
    (installation.instance / "secret.key").write_text("another\n")
    [named] = [line for line in terminal.run("flask hubinfo doctor") if line.startswith("secrets")]
    [[platform, *_]] = [line.split() for line in terminal.run("flask hubinfo platforms") if "CONNECTED" in line]
    assert f"tokens of {platform} cannot be decrypted" in named
    here = {
        "unregister NL-TNM ": f"unregister {platform} ",
        "with NL-TNM.": f"with {platform}.",
        "--platform NL-TNM": f"--platform {platform}",
    }
    terminal.run("export HUBINFO_PUBLIC_URL=https://hub.example.com")
    follow(terminal, begin_anew, here)
    assert "all 0 stored tokens can be decrypted" in "\n".join(terminal.run("flask hubinfo doctor"))


def test_a_hub_renews_the_tokens_of_a_party(tmp_path: Path, sqlite_template: Path) -> None:
    with Instances(tmp_path, sqlite_template) as instances:
        hub, party = instances.make("DE-HUB", "HUB"), instances.make("NL-TNM", "CPO")
        party.join(hub)
        tokens = [stored(side.app, 1) for side in (hub, party)]
        [[typed]] = section("operate", "OCPI tokens")
        arguments = typed.removeprefix("$ flask hubinfo ").replace("https://party.example.com/ocpi/versions", party.versions_url)
        hub.run(*arguments.split())
        for before, side in zip(tokens, (hub, party), strict=True):
            after = stored(side.app, 1)
            assert after["token_hash"] != before["token_hash"]
            assert after["token_out"] != before["token_out"]


def test_it_moves_to_postgresql(installation: Installation, terminal: Terminal, tmp_path: Path) -> None:
    _, rehearsal, copy, again, there = section("postgresql", "Moving there from SQLite")
    installation.serve()()
    for party in ("TNM", "BEC", "DUO"):
        installation.connect("http://127.0.0.1:9", ("CPO", "NL", party))
        installation.invite("BE", party)
        installation.command("suspend", "BE", party)
    with new_database("postgresql", tmp_path) as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        here = {MOVED_TO: plain}
        claim = Claim()
        with installation.app.app_context():
            assert claim.acquire()
        follow(terminal, rehearsal, here)
        with installation.app.app_context():
            claim.release()
        follow(terminal, copy, here)
        assert "has rows already" in "\n".join(terminal.run(steps(again)[0][0].replace(MOVED_TO, plain)))
        installation.set(DATABASE_URL=url)
        [_export, (doctor, output)] = steps(there)
        terminal.run(f"export HUBINFO_DATABASE_URL={plain}")
        assert [line.split()[0] for line in terminal.run(doctor)][: len(output)] == [line.split()[0] for line in output]
        installation.serve()()
        with at(url, installation.app):
            assert db.session.scalar(select(func.count()).select_from(Platform)) == 6


def test_it_is_started_by_hand(installation: Installation) -> None:
    [*_, export, gunicorn] = [command for command, _ in steps(section("install", "By hand")[0])]
    settings = dict(re.findall(r"HUBINFO_(\w+)=(\"[^\"]*\"|\S+)", export))
    installation.set(**{name: value.strip('"') for name, value in settings.items()})
    program = gunicorn.replace(".venv/bin/", "").split()
    installation.start(*program, "--bind", f"127.0.0.1:{installation.port}").wait_until_ready()


def test_what_root_installs_is_there_and_goes_where_it_is_looked_for() -> None:
    text = (SOURCES / "docs" / "install.md").read_text()
    unit = (SOURCES / "deploy" / "systemd" / "hubinfo.service").read_text()
    installed = dict(re.findall(r"^# install -m \d+ (?:-g hubinfo )?(\S+) (\S+)$", text, re.MULTILINE))
    assert [source for source in installed if not (SOURCES / source).is_file()] == []
    assert f"EnvironmentFile={installed['deploy/hubinfo.env']}\n" in unit
    assert f"# cd {re.findall('WorkingDirectory=(.*)', unit)[0]}\n" in text
    [user] = re.findall("User=(.*)", unit)
    assert f"/usr/sbin/nologin {user}\n" in text
