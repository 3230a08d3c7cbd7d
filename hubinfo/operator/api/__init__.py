"""`/api`: every view and every action of the operator, for programs, and the description of it all."""

from hubinfo.operator.api import connected, history, pages, parties, reached, records, tokens  # noqa: F401  they declare routes
from hubinfo.operator.api.routes import blueprint

__all__ = ["blueprint"]
