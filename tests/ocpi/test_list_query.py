"""The query of a list is taken or refused parameter by parameter (OCPI 2.2.1 transport, Pagination; hubclientinfo, Sender GET)."""

from datetime import UTC, datetime
from urllib.parse import unquote_plus

import pytest

from hubinfo.ocpi.envelope import InvalidParameters
from hubinfo.ocpi.schemas import read_list_query


@pytest.mark.parametrize("name", ["offset", "limit", "date_from", "date_to"])
@pytest.mark.parametrize(
    "value", ["", "-1", "x", "1.5", "+1", "1e3", "%20", "9" * 30, "9223372036854775808", "%D9%A3", "2026-01-01"]
)
def test_what_a_parameter_cannot_be_is_refused_naming_it(name: str, value: str) -> None:
    with pytest.raises(InvalidParameters, match=f"^{name}="):
        read_list_query({name: unquote_plus(value)})


def test_a_limit_of_0_is_refused() -> None:
    with pytest.raises(InvalidParameters, match=r"^limit="):
        read_list_query({"limit": "0"})


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize(
    "value", ["2026-11-02T00:00:00.0000001Z", "2026-11-02T02:00:00%2B02:00", "2026-11-02T02:00:00+02:00", "2026-11-02t00:00:00z"]
)
def test_a_period_is_read_as_peers_write_it_unless_strict(name: str, value: str) -> None:
    """The `+` of an offset is often sent unescaped and arrives as a blank."""
    query = {name: unquote_plus(value)}
    assert getattr(read_list_query(query), name) == datetime(2026, 11, 2, tzinfo=UTC)
    with pytest.raises(InvalidParameters, match=f"^{name}="):
        read_list_query(query, strict=True)


def test_a_blank_instead_of_t_is_refused() -> None:
    with pytest.raises(InvalidParameters, match=r"^date_from="):
        read_list_query({"date_from": "2026-11-02 00:00:00"})
