"""Bearer tokens: made, listed and revoked, by command and over `/api`; only their hashes are kept."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from hubinfo.database import db
from tests.support.api import Api
from tests.support.commands import error_of, json_of, table_of, text_of
from tests.support.live import Hub


@pytest.mark.both_databases("a token replaces another in one statement")
def test_a_token_is_made_used_listed_and_revoked(api: Api) -> None:
    made = api.post("/api/tokens", {"name": "dispatcher"}, 201)
    assert made["name"] == "dispatcher"
    dispatcher = Api(api.app, made["token"])
    assert [(row["name"], row["last_used_at"] is None) for row in api.get("/api/tokens")] == [
        ("dispatcher", True),
        ("tests", False),
    ]
    dispatcher.get("/api/parties")
    assert api.get("/api/tokens")[0]["last_used_at"] is not None
    assert api.delete("/api/tokens/dispatcher", 204) == ""
    assert dispatcher.send("GET", "/api/parties").status_code == 401


@pytest.mark.both_databases("a token replaces another in one statement")
def test_a_second_token_of_the_same_name_replaces_the_first(api: Api) -> None:
    first, second = (api.post("/api/tokens", {"name": "dispatcher"}, 201)["token"] for _ in range(2))
    assert [Api(api.app, token).send("GET", "/api/parties").status_code for token in (first, second)] == [401, 200]


def test_no_answer_ever_shows_a_token_again(api: Api) -> None:
    made = api.post("/api/tokens", {"name": "dispatcher"}, 201)["token"]
    assert made not in str([api.get("/api/tokens"), api.get("/api/actions")])


@pytest.mark.parametrize("name", ["Ödön's dispatcher", "a/b", "100%", "a?b", "a b", "..."])
def test_a_token_of_any_printable_name_can_be_revoked(api: Api, name: str) -> None:
    api.post("/api/tokens", {"name": name}, 201)
    api.delete(f"/api/tokens/{quote(name, safe='')}", 204)


@pytest.mark.parametrize("name", ["nobody", "%00", "%0A", "x" * 65, "%ff"])
def test_a_token_that_is_not_there_is_404(api: Api, name: str) -> None:
    assert api.error("DELETE", f"/api/tokens/{name}", 404)


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\x00b", 7, None, ["a"]])
def test_a_name_that_cannot_be_kept_is_400(api: Api, name: object) -> None:
    assert api.error("POST", "/api/tokens", 400, json={"name": name}).startswith("name=")


@pytest.mark.parametrize("name", ["a\nb", "a\u200bb"])
def test_a_name_that_cannot_be_printed_is_refused(api: Api, name: str) -> None:
    assert "printable" in api.error("POST", "/api/tokens", 409, json={"name": name})


def test_what_was_done_with_tokens_is_recorded_with_its_source(api: Api) -> None:
    api.post("/api/tokens", {"name": "dispatcher"}, 201)
    api.delete("/api/tokens/dispatcher", 204)
    revoked, made, first = api.get("/api/actions")
    assert [row["about"] for row in (revoked, made, first)] == ["dispatcher", "dispatcher", "tests"]
    assert [row["source"] for row in (revoked, made, first)] == ["api: tests", "api: tests", "command"]


def test_the_command_makes_one_and_tells_how_to_use_it(hub: Hub) -> None:
    made = json_of(hub.app, "api-token", "dispatcher")
    assert list(made) == ["name", "token"]
    said = text_of(hub.app, "api-token", "billing")
    shown = said.splitlines()[1].strip()
    assert f"Authorization: Bearer {shown}" in said
    assert Api(hub.app, shown).get("/api/platforms") == []


def test_without_a_name_the_token_is_the_default_one(hub: Hub) -> None:
    assert json_of(hub.app, "api-token")["name"] == "default"


def test_commands_list_and_revoke(hub: Hub) -> None:
    assert "flask hubinfo api-token NAME" in text_of(hub.app, "api-tokens")
    token = json_of(hub.app, "api-token", "dispatcher")["token"]
    Api(hub.app, token).get("/api/platforms")
    [row] = table_of(hub.app, "api-tokens")
    assert (row["NAME"], row["LAST USED AT"] != "-") == ("dispatcher", True)
    assert list(json_of(hub.app, "api-tokens")[0]) == ["name", "created_at", "last_used_at"]
    assert "dispatcher" in text_of(hub.app, "revoke-api-token", "dispatcher")
    assert json_of(hub.app, "api-tokens") == []
    assert Api(hub.app, token).send("GET", "/api/platforms").status_code == 401


def test_revoking_says_as_json_what_it_revoked(hub: Hub) -> None:
    json_of(hub.app, "api-token", "dispatcher")
    assert json_of(hub.app, "revoke-api-token", "dispatcher") == {"name": "dispatcher"}
    assert "no API token named dispatcher" in error_of(hub.app, "revoke-api-token", "dispatcher")


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\x00b"])
def test_a_name_that_cannot_be_kept_is_wrong_usage(hub: Hub, name: str) -> None:
    assert "must have 1 to 64 printable characters" in error_of(hub.app, "api-token", name, exit_code=2)


@pytest.mark.parametrize("name", ["x" * 64, "Ödön's dispatcher", "-"])
def test_a_name_may_be_any_printable_text(hub: Hub, name: str) -> None:
    made = json_of(hub.app, "api-token", name)
    assert made["name"] == name
    assert Api(hub.app, made["token"]).get("/api/platforms") == []


def test_of_a_token_only_its_hash_is_stored(hub: Hub, sqlite_path: Path) -> None:
    made = Api(hub.app).token
    with hub.app.app_context():
        rows = [str(tuple(row)) for row in db.session.execute(text("SELECT * FROM api_token"))]
        on_file = db.engine.dialect.name == "sqlite"
    assert len(rows) == 1
    assert made not in rows[0]
    if on_file:
        dump = "\n".join(sqlite3.connect(sqlite_path).iterdump())
        assert made not in dump


@pytest.mark.parametrize("name", ["/x", ".", ".."])
def test_a_name_by_which_it_could_not_be_revoked_over_api_is_refused(hub: Hub, name: str) -> None:
    assert "must fit in a URL" in error_of(hub.app, "api-token", name, exit_code=2)
