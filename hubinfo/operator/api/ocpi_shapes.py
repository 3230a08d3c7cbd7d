"""OCPI's objects as they go over the wire, for the description; what comes in is checked by `hubinfo.ocpi.schemas`."""

from marshmallow import EXCLUDE, Schema
from marshmallow.fields import Dict, Integer, List, Nested, String

from hubinfo.operator.api import out
from hubinfo.operator.api.fields import country_code, party_id


class Ocpi(Schema):
    """An object of OCPI's own."""

    class Meta:
        """Peers may send more than we know of."""

        unknown = EXCLUDE


class Envelope(Ocpi):
    """Every OCPI answer; `data` is there when there is some."""

    status_code = Integer(required=True, metadata={"description": "OCPI status code; 1000 is success."})
    status_message = String()
    timestamp = out.time(required=True)


class Version(Ocpi):
    """A version that is offered."""

    version = String(required=True)
    url = String(required=True)


class Versions(Envelope):
    """All of them."""

    data = List(Nested(Version))


class OcpiEndpoint(Ocpi):
    """A module of a version."""

    identifier = String(required=True)
    role = out.one_of(("SENDER", "RECEIVER"), required=True)
    url = String(required=True)


class VersionDetail(Ocpi):
    """What there is in a version."""

    version = String(required=True)
    endpoints = List(Nested(OcpiEndpoint), required=True)


class VersionDetails(Envelope):
    """Of one version."""

    data = Nested(VersionDetail)


class OcpiRole(Ocpi):
    """A party in one role (OCPI 2.2.1 credentials, CredentialsRole)."""

    role = out.role(required=True)
    country_code = country_code()
    party_id = party_id()
    business_details = Dict(required=True, metadata={"description": "With at least a `name`.", "examples": [{"name": "TNM"}]})


class CredentialsObject(Ocpi):
    """Who somebody is, where its versions are, and the token with which it is to be called."""

    token = String(required=True)
    url = String(required=True, metadata={"format": "uri"})
    roles = List(Nested(OcpiRole), required=True)
    hub_party_id = out.text("Of a hub, in 2.3.0: country_code and party_id in one.")


class Credentials(Envelope):
    """Ours, with the token that the caller is to use from now on."""

    data = Nested(CredentialsObject)


class OcpiClientInfo(Ocpi):
    """A party in one role, and how it is (OCPI 2.2.1 hubclientinfo, ClientInfo)."""

    country_code = country_code()
    party_id = party_id()
    role = out.role(required=True)
    status = out.status(required=True)
    last_updated = out.time("May be left out, unless STRICT is set.")


class OneClientInfo(Envelope):
    """One."""

    data = Nested(OcpiClientInfo)


class ClientInfos(Envelope):
    """A page of them."""

    data = List(Nested(OcpiClientInfo))
