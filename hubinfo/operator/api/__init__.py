"""`/api`: every view and every action of the operator, for programs, and the description of it all."""

from hubinfo.operator.api import (  # noqa: F401  they declare routes
    connected,
    heard,
    history,
    pages,
    parties,
    reached,
    records,
    tokens,
)
from hubinfo.operator.api.routes import blueprint

__all__ = ["blueprint"]
