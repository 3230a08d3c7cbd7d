"""What the answers are made of."""

from marshmallow import fields
from marshmallow.fields import Boolean, Dict, Integer, List, Nested, String

from hubinfo.operator.api import out
from hubinfo.operator.api.out import Output

_OUTCOMES = ("ok", "refused", "failed")


class Error(Output):
    """Every error."""

    error = out.text("What was wrong, with its value, and what to do.")


class PartyRow(Output):
    """A party in one role, as the hub tells it to others, and whose it is."""

    country_code = String()
    party_id = String()
    role = out.role()
    status = out.status()
    last_updated = out.time()
    platform = out.text("The connection that brings it.")
    last_heard_at = out.time("Its last message.", allow_none=True)


class OverviewRow(PartyRow):
    """The same with all that an operator looks at."""

    id = Integer()
    party = out.text("The party's short name, e.g. NL-TNM.")
    name = out.text("Of the company.", allow_none=True)
    status_since = out.time()
    availability_24h = out.share("Of the last 24 hours")
    availability_30d = out.share("Of the last 30 days")
    version = out.text("OCPI version spoken.", allow_none=True)
    behind = out.whole("Changes its platform has not been told; null when it has no Receiver.", allow_none=True)
    reason = out.text("Why it cannot be reached or told.", allow_none=True)
    suspended_by_operator = Boolean()


class Counts(Output):
    """How many rows have each status."""

    CONNECTED = Integer()
    OFFLINE = Integer()
    PLANNED = Integer()
    SUSPENDED = Integer()


class Parties(Output):
    """A page of the table, and how many there are."""

    total = out.whole("How many rows the filters let through.")
    counts = Nested(Counts, metadata={"description": "Of all parties, whatever the filters."})
    parties = List(Nested(OverviewRow))


class DossierRow(OverviewRow):
    """A party in one role, in full."""

    business_details = Dict()


class Endpoint(Output):
    """An endpoint another platform has."""

    identifier = String()
    role = String()
    url = String()


class DossierPlatform(Output):
    """How a party is connected. Tokens are never shown."""

    platform = String()
    registered = Boolean()
    invited = Boolean(metadata={"description": "Whether it holds a token A it has not used."})
    version = String(allow_none=True)
    versions_url = String(allow_none=True)
    endpoints = List(Nested(Endpoint))
    token_form = out.text("How it wants its token in the header: base64 or raw.", allow_none=True)
    status = out.status()
    last_heard_at = out.time(allow_none=True)
    token_made_at = out.time("The token it presents.", allow_none=True)
    token_used_at = out.time(allow_none=True)
    token_out_made_at = out.time("The token we present.", allow_none=True)
    token_out_used_at = out.time(allow_none=True)
    behind = Integer(allow_none=True)
    failed_probes = Integer()
    probe_reason = String(allow_none=True)
    next_probe_at = out.time(allow_none=True)
    failed_pushes = Integer()
    push_reason = String(allow_none=True)
    next_push_at = out.time(allow_none=True)
    why_not_told = out.text("Why it has not been told everything.", allow_none=True)


class Change(Output):
    """A change of status, or of what keeps it."""

    id = Integer()
    at = out.time()
    role = out.role()
    event = String()
    status = out.status()
    reason = String(allow_none=True)


class Activity(Output):
    """A push to a platform, or a probe of it."""

    id = Integer()
    at = out.time()
    kind = out.one_of(("push", "probe"))
    platform = String()
    country_code = out.text("Of whom it was told; null for a probe, like the next three.", allow_none=True)
    party_id = String(allow_none=True)
    role = String(allow_none=True)
    told = out.text("The status it was told.", allow_none=True)
    outcome = out.one_of(_OUTCOMES)
    reason = String(allow_none=True)
    seconds = fields.Float(allow_none=True)


class NotTold(Output):
    """A change that its platform has not been told."""

    platform = String()
    country_code = String()
    party_id = String()
    role = out.role()
    status = out.status()
    last_updated = out.time()


class Refusal(Output):
    """A change that its platform refused for good, or that is set aside because it was answered wrongly."""

    country_code = String()
    party_id = String()
    role = out.role()
    reason = String()
    at = out.time()
    next_attempt_at = out.time("When it is tried again; null: never.", allow_none=True)


class RefusalOfPlatform(Refusal):
    """The same, and whose refusal it is."""

    platform = String()


class Dossier(Output):
    """All there is to know of a party."""

    country_code = String()
    party_id = String()
    party = String()
    name = String(allow_none=True)
    rows = List(Nested(DossierRow))
    platforms = List(Nested(DossierPlatform))
    history = List(Nested(Change), metadata={"description": "Newest first."})
    probes = List(Nested(Activity))
    pushes = List(Nested(Activity))
    not_told = List(Nested(NotTold))
    refused = List(Nested(RefusalOfPlatform))


class Probed(Output):
    """How a still-alive check went."""

    alive = Boolean()
    status = out.status()
    reason = String(allow_none=True)
    seconds = fields.Float()


class ToldAgain(Output):
    """Who will be told everything again."""

    platforms = List(String())


class Invitation(Output):
    """What to give the operator of the party, over a channel you trust."""

    country_code = String()
    party_id = String()
    roles = List(out.role())
    versions_url = String()
    platform = String(metadata={"description": "That the party belongs to."})
    versions = List(String(), metadata={"description": "The OCPI versions that the platform is shown."})
    token = out.text(
        "Token A: shown only now, good for one registration; null for a party added to a platform that exists.", allow_none=True
    )
    statuses = Dict(keys=String(), values=out.status(), metadata={"description": "By role."})


class PlatformRow(Output):
    """A connection, and how it is."""

    platform = String()
    version = String(allow_none=True)
    versions_url = String(allow_none=True)
    status = out.status()
    last_heard_at = out.time(allow_none=True)
    behind = Integer()
    failed_probes = Integer()
    reason = String(allow_none=True)
