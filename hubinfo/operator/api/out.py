"""The marshmallow fields that answers are described with."""

from typing import Any

from marshmallow import RAISE, Schema, fields
from marshmallow.fields import DateTime, Float, Integer, String

from hubinfo.ocpi.dialect import CONNECTION_STATUSES
from hubinfo.operator.api.fields import one_of, role

__all__ = ["Output", "one_of", "role", "share", "status", "text", "time", "whole"]


class Output(Schema):
    """What an answer has: all of these, always. It describes; nothing is sent through it."""

    class Meta:
        """And nothing else."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002  marshmallow's
        """Every member is there, if only as null."""
        field_obj.required = True


def _described(description: str) -> dict[str, str]:
    return {"description": description} if description else {}


def time(description: str = "", **options: Any) -> DateTime:
    """An OCPI DateTime."""
    return DateTime(metadata=_described(description), **options)


def status(**options: Any) -> String:
    """A ConnectionStatus."""
    return one_of(CONNECTION_STATUSES, "An OCPI ConnectionStatus.", **options)


def share(description: str) -> Float:
    """A part of the whole."""
    said = f"{description}, from 0 to 1; null when there is nothing to count."
    return Float(allow_none=True, metadata={"description": said, "minimum": 0, "maximum": 1})


def text(description: str = "", **options: Any) -> String:
    """Any text."""
    return String(metadata=_described(description), **options)


def whole(description: str = "", **options: Any) -> Integer:
    """A whole number."""
    return Integer(metadata=_described(description), **options)
