"""What a hub of the field sends is taken where it has only one meaning, and refused with STRICT."""

from collections.abc import Callable

import pytest

from tests.support.apps import MakeApp
from tests.support.hub_peer import HubPeer, client_info, connect_hub
from tests.support.live import Hub
from tests.support.pulling import pull
from tests.support.receivers import codes, put

MakeHubPeer = Callable[..., HubPeer]
WRITTEN = ["2026-11-02T00:00:00.123456Z", "2026-11-02T00:00:00.123456789Z", "2026-11-02T00:00:00+00:00", "2026-11-02t00:00:00z"]


@pytest.fixture
def hub_peer(make_hub_peer: MakeHubPeer) -> HubPeer:
    return make_hub_peer()


def party_of(make_app: MakeApp, hub_peer: HubPeer, *, strict: bool) -> Hub:
    party = Hub(make_app(roles="CPO", strict=strict))
    connect_hub(party.app, peer=hub_peer)
    return party


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("strict", [False, True])
def test_a_time_as_peers_write_it_moves_a_party_in_pull_and_push(
    make_app: MakeApp, hub_peer: HubPeer, written: str, strict: bool
) -> None:
    party = party_of(make_app, hub_peer, strict=strict)
    assert codes(put(party, client_info())) == (201, 1000)
    told = client_info(status="OFFLINE", last_updated=written)
    hub_peer.listed = [told]
    assert (pull(party).received, party.run("known")[0]["status"]) == ((0, "CONNECTED") if strict else (1, "OFFLINE"))
    assert codes(put(party, told)) == ((200, 2001) if strict else (200, 1000))


EMPTY = {"null": b'"data":null,', "left out": b"", "a list": b'"data":[],'}


@pytest.mark.parametrize("data", EMPTY)
@pytest.mark.parametrize(("headers", "valid"), [({"X-Total-Count": "0"}, False), ({}, True), ({"X-Total-Count": "3"}, True)])
@pytest.mark.parametrize("strict", [False, True])
def test_a_list_with_nothing_in_it_marks_rows_only_with_a_count_of_0(
    make_app: MakeApp, hub_peer: HubPeer, data: str, headers: dict[str, str], valid: bool, strict: bool
) -> None:
    party = party_of(make_app, hub_peer, strict=strict)
    put(party, client_info())
    body = b"{" + EMPTY[data] + b'"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}'
    hub_peer.behave("GET", "/2.2.1/hubclientinfo?offset=0", lambda handler: handler.raw(body, headers=headers))
    made = pull(party)
    assert (made.reason, made.received, made.no_longer_valid) == (None, 0, 0 if valid else 1)
    assert party.run("known")[0]["valid"] == valid
