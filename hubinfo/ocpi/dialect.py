"""What differs between OCPI 2.2, 2.2.1 and 2.3.0, as one table."""

from dataclasses import dataclass

HUB = "HUB"
OTHER = "OTHER"
CONNECTION_STATUSES = ("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED")
_ROLES_2_3 = ("CPO", "EMSP", "NAP", "NSP", "OTHER", "SCSP")
_ROLES_2_2 = (*_ROLES_2_3, HUB)


@dataclass(frozen=True)
class Dialect:
    """One OCPI version as we speak it."""

    version: str
    roles: tuple[str, ...]
    """The Role enum (2.2.1 types 16.4; 2.3.0 dropped HUB)."""
    hub_shown_as: str
    """The role under which a HUB row goes out."""
    hub_lists_parties: bool
    """Credentials: a hub names itself in `hub_party_id` and lists in `roles` whom it gives access to (2.3.0), or only itself."""

    def role_out(self, role: str) -> str:
        """The role as this version can say it."""
        return self.hub_shown_as if role == HUB else role

    def roles_in(self, role: str) -> tuple[str, ...]:
        """The roles that this version's `role` stands for."""
        return (role, HUB) if role == self.hub_shown_as != HUB else (role,)


DIALECTS = {
    dialect.version: dialect
    for dialect in (
        Dialect("2.2", _ROLES_2_2, hub_shown_as=HUB, hub_lists_parties=False),
        Dialect("2.2.1", _ROLES_2_2, hub_shown_as=HUB, hub_lists_parties=False),
        Dialect("2.3.0", _ROLES_2_3, hub_shown_as=OTHER, hub_lists_parties=True),
    )
}
ROLES = dict.fromkeys(_ROLES_2_2)
