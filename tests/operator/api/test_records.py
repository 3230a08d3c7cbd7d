"""Pushes, probes, recorded actions and availability over `/api`."""

import csv
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from tests.support.api import Api
from tests.support.hubs import connect
from tests.support.live import Hub, LiveHub
from tests.support.peers import Peer

both_databases = pytest.mark.both_databases("pages by id, and sums, are SQL")

CPO = ("CPO", "NL", "TNM")
PERIOD = "date_from=2020-01-01T00:00:00Z&date_to=2020-02-01T00:00:00Z"


def test_a_probe_is_activity_and_an_action(hub: Hub, api: Api, make_peer: Callable[..., Peer]) -> None:
    hub.register(make_peer(), CPO)
    api.post("/api/parties/NL/TNM/probe")
    [probe] = api.get("/api/activity?kind=probe")
    assert (probe["platform"], probe["outcome"], probe["party_id"]) == ("NL-TNM", "ok", None)
    assert api.get("/api/activity?kind=push") == []
    done = api.get("/api/actions?party=nl-tnm")[0]
    assert (done["source"], done["what"], done["about"]) == ("api: tests", "probe", "NL-TNM")


@both_databases
def test_a_push_is_activity(make_live_hub: Callable[..., LiveHub], make_peer: Callable[..., Peer]) -> None:
    hub, peer = make_live_hub(), make_peer()
    api, pushes = Api(hub.app), "/api/activity?kind=push&party=NL-TNM"
    hub.register(peer, CPO)
    hub.invite("DE", "XYZ", "EMSP")
    peer.wait_for(lambda _: bool(api.get(pushes)))  # written a moment after the answer
    assert [(push["party_id"], push["told"], push["outcome"]) for push in api.get(pushes)] == [("XYZ", "PLANNED", "ok")]


@both_databases
def test_actions_come_newest_first_and_in_pages(api: Api) -> None:
    for name in ("a", "b", "c"):
        api.post("/api/tokens", {"name": name}, 201)
    newest, older = api.get("/api/actions?limit=2")
    assert (newest["about"], older["about"]) == ("c", "b")
    assert [row["about"] for row in api.get(f"/api/actions?before={older['id']}")] == ["a", "tests"]


@both_databases
def test_the_newest_page_may_be_asked_for_by_the_largest_id(api: Api) -> None:
    assert api.get("/api/actions?before=9223372036854775807&party=NL-TNM") == []
    assert api.get("/api/activity?before=9223372036854775807&kind=push") == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=1e3", "before=0", "before=9223372036854775808", "party=x", "kind=x"]
)
def test_a_wrong_parameter_is_named(api: Api, query: str) -> None:
    assert api.error("GET", f"/api/activity?{query}", 400).startswith(query.partition("=")[0])


def test_availability_of_a_hub_without_parties(api: Api) -> None:
    found = api.get(f"/api/availability?{PERIOD}")
    assert found["period"] == {"began_at": "2020-01-01T00:00:00.000Z", "ended_at": "2020-02-01T00:00:00.000Z"}
    assert (found["hub"]["availability"], found["parties"]) == (None, [])


@both_databases
def test_availability_of_parties_as_json_and_csv(api: Api) -> None:
    connect(api.app, CPO)
    connect(api.app, ("EMSP", "DE", "XYZ"))
    found = api.get("/api/availability?days=0.5")
    assert [(row["party_id"], row["availability"]) for row in found["parties"]] == [("XYZ", 1.0), ("TNM", 1.0)]
    assert [row["party_id"] for row in api.get("/api/availability?party=NL-TNM")["parties"]] == ["TNM"]
    lines = list(csv.DictReader(api.get("/api/availability.csv?party=NL-TNM").splitlines()))
    assert [(line["party_id"], line["status"]) for line in lines] == [("TNM", "CONNECTED")]


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("text/csv", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_csv_is_sent_to_who_wants_it(api: Api, accept: str, mimetype: str) -> None:
    response = api.send("GET", "/api/availability", headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, mimetype)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "query",
    [
        "days=0",
        "days=-1",
        "days=nan",
        "days=99999",
        "date_from=yesterday",
        "date_from=2020-01-01",
        "date_to=0000-01-01T00:00:00Z",
        "date_to=0001-01-01T00:00:00Z",
        "date_from=9999-01-01T00:00:00Z",
        "date_from=2020-01-02T00:00:00Z&date_to=2020-01-01T00:00:00Z",
        "days=1&date_from=2020-01-01T00:00:00Z",
    ],
)
def test_a_period_that_is_none_is_400(api: Api, query: str) -> None:
    assert api.error("GET", f"/api/availability?{query}", 400)


@pytest.mark.parametrize("path", ["/api/availability.csv", "/api/availability.svg", "/api/parties/NL/TNM/timeline.svg"])
def test_every_picture_and_file_judges_its_period(api: Api, path: str) -> None:
    assert api.error("GET", f"{path}?days=0", 400)


def test_a_timeline_is_a_picture_that_stands_alone(api: Api) -> None:
    connect(api.app, CPO, ("EMSP", "NL", "TNM"))
    for query in ("", f"?{PERIOD}", "?role=EMSP&days=1"):
        response = api.send("GET", f"/api/parties/NL/TNM/timeline.svg{query}")
        assert response.mimetype == "image/svg+xml"
        assert ET.fromstring(response.data).tag == "{http://www.w3.org/2000/svg}svg"
    assert api.error("GET", "/api/parties/NL/TNM/timeline.svg?role=NSP", 404) == "no such party: NL-TNM as NSP"


def test_the_hub_as_a_whole_as_a_picture_and_as_the_last_line(api: Api) -> None:
    connect(api.app, CPO)
    response = api.send("GET", "/api/availability.svg?days=0.5")
    assert response.mimetype == "image/svg+xml"
    title = ET.fromstring(response.data).findtext("{http://www.w3.org/2000/svg}title") or ""
    assert title.startswith("XX-HUB, all parties together, ")
    assert title.endswith("100 % at the end")
    party, whole = csv.DictReader(api.get("/api/availability.csv").splitlines())
    assert (party["role"], whole["role"], whole["party_id"]) == ("CPO", "HUB", "HUB")
