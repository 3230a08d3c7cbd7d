"""What makes sense only for some roles of this platform."""

from hubinfo.config import current_settings
from hubinfo.ocpi.dialect import HUB
from hubinfo.operator.refused import Refused


def needs_a_hub() -> None:
    """Raises Refused where nobody is told anything."""
    roles = current_settings().roles
    if HUB not in roles:
        raise Refused(f"roles={','.join(roles)}: must have HUB, since only a hub tells others of parties")


def needs_a_party() -> None:
    """Raises Refused where no hub tells us anything."""
    roles = current_settings().roles
    if not set(roles) - {HUB}:
        raise Refused(f"roles={','.join(roles)}: must have another one than HUB, since only a party is told by hubs")
