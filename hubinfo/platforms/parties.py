"""What connections ask of the room above, which keeps the parties: a hub its ClientInfo."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from hubinfo.models import ClientInfo, Platform
from hubinfo.ocpi.schemas import CredentialsRole


class Parties(Protocol):
    """Called with a platform whose connection changes; all but `visible_to` and those that refuse inside write()."""

    def refuse_taken(self, platform: Platform, roles: Sequence[CredentialsRole]) -> None:
        """Raises InvalidParameters, naming the platform that holds one of these roles already."""
        ...

    def refuse_uninvited(self, platform: Platform, roles: Sequence[CredentialsRole]) -> None:
        """Raises InvalidParameters when the platform may not register one of these roles with us, or not so many."""
        ...

    def registered(self, platform: Platform, roles: Sequence[CredentialsRole], *, starts_anew: bool) -> None:
        """The platform has exchanged credentials and brings these roles; anew: it has been told nothing so far."""
        ...

    def unregistered(self, platform: Platform) -> None:
        """The platform has deleted its credentials."""
        ...

    def heard(self, heard_at: Mapping[int, datetime], *, presented: bool = False) -> None:
        """Platforms, by id, have answered a check, or sent a message: then they have presented their token."""
        ...

    def visible_to(self, platform_id: int | None) -> Sequence[ClientInfo]:
        """The parties this platform may know of, in order of creation; all, for one that is not known yet."""
        ...
