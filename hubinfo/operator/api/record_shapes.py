"""What the answers on platforms, records, availability and what hubs told are made of."""

from marshmallow.fields import Boolean, Dict, Float, Integer, List, Nested, String

from hubinfo.operator.api import out
from hubinfo.operator.api.out import Output
from hubinfo.operator.api.shapes import Endpoint, Refusal


class Registered(Output):
    """A connection, new or renewed."""

    platform = String()
    version = String()
    endpoints = List(Nested(Endpoint))


class Unregistered(Output):
    """A connection that is no more."""

    platform = String()


class ClientInfo(Output):
    """As other platforms get it (OCPI 2.2.1 hubclientinfo, ClientInfo object)."""

    country_code = String()
    party_id = String()
    role = out.role()
    status = out.status()
    last_updated = out.time()


class View(Output):
    """The list exactly as a platform gets it, all pages."""

    platform = String()
    version = String()
    rows = List(Nested(ClientInfo))


class Push(Output):
    """A platform that is behind, or has refused something."""

    platform = String()
    behind = Integer()
    failures = out.whole("Pushes failed in a row.")
    next_attempt_at = out.time(allow_none=True)
    reason = String()
    refused = List(Nested(Refusal))


class Action(Output):
    """What an operator or a program has done."""

    id = Integer()
    at = out.time()
    source = out.text("command, board, or api: and the name of the token.")
    what = String()
    about = String(allow_none=True)
    details = String(allow_none=True)


class Period(Output):
    """From when, until when."""

    began_at = out.time()
    ended_at = out.time()


class Share(Output):
    """How much of a period was spent connected; PLANNED and SUSPENDED time counts on neither side."""

    availability = out.share("The share of connected time")
    connected_seconds = Float()
    offline_seconds = Float()


class PartyShare(Share):
    """Of a party in one role."""

    country_code = String()
    party_id = String()
    role = out.role()
    platform = String()
    status = out.status()
    changes = out.whole("Changes of status in the period.")


class Availability(Output):
    """Of a period."""

    period = Nested(Period)
    hub = Nested(Share, metadata={"description": "All parties together."})
    parties = List(Nested(PartyShare))


class Known(Output):
    """What a hub told us."""

    hub = String()
    country_code = String()
    party_id = String()
    role = out.role()
    status = out.status()
    last_updated = out.time()
    received_at = out.time()
    valid = Boolean(metadata={"description": "false once the hub no longer lists it."})
    stale = Boolean(metadata={"description": "true while the hub itself is silent."})


class Reachability(Output):
    """May we send to this party now?"""

    reachable = Boolean()
    status = out.status(allow_none=True)
    hub = out.text("Through which hub.", allow_none=True)
    since = out.time(allow_none=True)
    stale = Boolean()


class Hub(Output):
    """A hub we are registered with."""

    hub = String()
    country_code = String()
    party_id = String()
    name = String(allow_none=True)
    status = out.status()
    stale = Boolean(metadata={"description": "true while the hub is silent."})
    version = String(allow_none=True)
    last_heard_at = out.time(allow_none=True)
    synced_at = out.time("When a full pull last came through whole.", allow_none=True)
    next_sync_at = out.time(allow_none=True)
    reason = out.text("What failed last.", allow_none=True)
    told = out.whole("How many rows it lists.")


class Pull(Output):
    """A full pull of a hub's list."""

    hub = String()
    received = out.whole("Objects that could be used.")
    ignored = out.whole("Objects that could not.")
    ignored_reasons = List(String(), metadata={"description": "Why not, of the first ten."})
    changed = Integer()
    no_longer_valid = Integer()
    reason = out.text("Why it did not come through; null when it did.", allow_none=True)


class Counted(Output):
    """What became of a batch of messages: so many counted, so many late; the others change nothing."""

    counted = Integer()
    late = out.whole("Older than what is known: a later message, a check that failed, its going OFFLINE.")
    future = List(String(), metadata={"description": "Parties of messages more than 5 minutes ahead of this clock."})
    # Schema has an attribute of this name too, of its instances.
    unknown = List(  # type: ignore[assignment]
        String(), metadata={"description": "Parties that are not there or not registered, e.g. NL-TNM."}
    )
    suspended = List(String(), metadata={"description": "Parties that are suspended."})


class Token(Output):
    """A bearer token; only its hash is kept."""

    name = String()
    created_at = out.time()
    last_used_at = out.time(allow_none=True)


class MadeToken(Output):
    """A new bearer token, shown only now."""

    name = String()
    token = String()


class Description(Output):
    """An OpenAPI 3.1 description."""

    openapi = String()
    info = Dict()
    servers = List(Dict())
    security = List(Dict())
    paths = Dict()
    components = Dict()
    tags = List(Dict())
