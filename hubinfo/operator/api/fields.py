"""The marshmallow fields of `/api`, each described as it is checked."""

import re
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from hubinfo import clock
from hubinfo.ocpi import fields as ocpi
from hubinfo.ocpi.dialect import ROLES
from hubinfo.operator.availability import DEFAULT_DAYS, LONGEST_DAYS

F = TypeVar("F", bound=fields.Field[Any])
_MAX_INTEGER = 2**63 - 1
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_TEXT = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
_TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?Z?"
_DATE_TIME = rf"^(?!0000)[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]){_TIME}$"


class Input(Schema):
    """What a request may bring: nothing but these."""

    class Meta:
        """Unknown members are refused, so that a typing error is found."""

        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.error_messages["unknown"] = f"is unknown; known are {', '.join(self.fields)}"


class Parameter(fields.Field[Any]):
    """Of a query: read from its text by a function that raises ValueError."""

    def __init__(self, read: Callable[[str], Any], **described: Any) -> None:
        self._read = read
        super().__init__(metadata=described)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002  marshmallow's
        try:
            return self._read(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def one_of(allowed: Collection[str], description: str = "", **options: Any) -> fields.String:
    """One of these words."""
    said = f"must be one of {', '.join(allowed)}"
    check = validate.OneOf(tuple(allowed), error=said)
    described = {"description": description} if description else {}
    return fields.String(validate=check, error_messages={"invalid": said}, metadata=described, **options)


def role(**options: Any) -> fields.String:
    """An OCPI Role."""
    return one_of(ROLES, "An OCPI Role.", **options)


def flag(description: str) -> fields.Boolean:
    """`true` or `false` in a query."""
    described = {"description": description}
    return fields.Boolean(truthy={"true"}, falsy={"false"}, error_messages={"invalid": "must be true or false"}, metadata=described)


def text(longest: int, description: str, **options: Any) -> ocpi.Text:
    """Text that can be kept, with something to read in it."""

    def check(value: str) -> None:
        if not value.strip() or len(value) > longest:
            raise ValidationError(f"must have 1 to {longest} characters, not only spaces")

    described = {"description": description, "pattern": _TEXT, "minLength": 1, "maxLength": longest}
    return ocpi.Text(validate=check, metadata=described, **options)


def whole(low: int, high: int, description: str) -> Parameter:
    """A whole number in a query."""

    def read(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) is None or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return Parameter(read, type="integer", minimum=low, maximum=high, description=description)


def before() -> Parameter:
    """Where the next page of a log begins."""
    return whole(1, _MAX_INTEGER, "Only those with a smaller `id`, e.g. that of the last one shown.")


def limit(highest: int = 1000) -> Parameter:
    """The size of a page."""
    return whole(1, highest, "How many at most.")


def offset() -> Parameter:
    """Where a page begins."""
    return whole(0, _MAX_INTEGER, "How many to pass over.")


def days() -> Parameter:
    """A period that ends now."""

    def read(text: str) -> float:
        if re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,6})?", text, re.ASCII) is None or not 0 < float(text) <= LONGEST_DAYS:
            raise ValueError(f"must be a number greater than 0, at most {LONGEST_DAYS}")
        return float(text)

    said = f"The last so many days; {DEFAULT_DAYS:g} when there is no `date_from`."
    return Parameter(read, type="number", exclusiveMinimum=0, maximum=LONGEST_DAYS, description=said)


def instant(description: str) -> Parameter:
    """An OCPI DateTime in a query."""
    example = ["2026-01-01T00:00:00Z"]
    return Parameter(clock.parse, type="string", pattern=_DATE_TIME, description=description, examples=example)


def body_instant(description: str) -> ocpi.DateTime:
    """An OCPI DateTime in a body."""
    example = ["2026-01-01T00:00:00Z"]
    field = _described(ocpi.DateTime(required=True), type="string", pattern=_DATE_TIME)
    return _described(field, description=description, examples=example)


def party() -> Parameter:
    """A party in a query, by its short name in whatever case."""

    def read(text: str) -> str:
        if not ocpi.is_party(*text.partition("-")[::2]):
            raise ValueError("must be a country_code, - and a party_id, such as NL-TNM")
        return text.upper()

    pattern = "^[A-Za-z]{2}-[A-Za-z0-9]{1,3}$"
    return Parameter(read, type="string", pattern=pattern, description="Only of this party.", examples=["NL-TNM"])


def country_code(description: str = "ISO 3166 alpha-2.", *, required: bool = True) -> fields.String:
    """Two letters."""
    field = _described(ocpi.country_code(), pattern="^[A-Za-z]{2}$", examples=["NL"], description=description)
    field.required = required
    return field


def party_id() -> fields.String:
    """One to three letters or digits."""
    return _described(ocpi.party_id(), pattern="^[A-Za-z0-9]{1,3}$", examples=["TNM"])


def versions_url() -> fields.String:
    """Of another platform."""
    example = ["https://hub.example.com/ocpi/versions"]
    return _described(ocpi.url(), format="uri", maxLength=ocpi.MAX_URL, examples=example, description="Its versions URL.")


def token_a() -> ocpi.Token:
    """Given to us by another platform."""
    said = "The token A it gave us; not needed to renew a connection."
    return _described(ocpi.Token(), type="string", pattern=r"^[\x21-\x7e]{1,64}$", description=said)


def _described(field: F, **metadata: Any) -> F:
    """A field of OCPI's own, with what apispec cannot tell from it."""
    field.metadata = {**field.metadata, **metadata}
    return field
