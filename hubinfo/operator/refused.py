"""How what an operator asked for can fail."""


class Refused(Exception):
    """It cannot be done; the message says why and what can."""


class NoSuchParty(Refused):
    """Nobody keeps a row of this party, or none in this role."""

    def __init__(self, party: str, role: str | None = None) -> None:
        shown = f"{party} as {role}" if role else party
        super().__init__(f"no such party: {shown}; flask hubinfo parties lists them")


class NoSuchPlatform(Refused):
    """There is no connection of this name, or it is not a hub."""

    def __init__(self, platform: str, kind: str = "connection") -> None:
        others = "them" if kind == "connection" else "all platforms"
        super().__init__(f"no {kind} named {platform}; flask hubinfo platforms lists {others}")
