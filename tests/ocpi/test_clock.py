from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubinfo import clock

FORMS = {
    "2015-06-29T20:39:09Z": datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC),
    "2015-06-29T20:39:09": datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC),
    "2016-12-29T17:45:09.2Z": datetime(2016, 12, 29, 17, 45, 9, 200000, tzinfo=UTC),
    "2016-12-29T17:45:09.2": datetime(2016, 12, 29, 17, 45, 9, 200000, tzinfo=UTC),
    "2018-01-01T01:08:01.123Z": datetime(2018, 1, 1, 1, 8, 1, 123000, tzinfo=UTC),
    "2018-01-01T01:08:01.123": datetime(2018, 1, 1, 1, 8, 1, 123000, tzinfo=UTC),
}
ODD = [
    "",
    "Z",
    "2015-06-29",
    "2015-06-29 20:39:09Z",
    "2015-06-29T20:39:09+00:00",
    "2015-06-29T20:39:09-01:00",
    "2015-06-29t20:39:09z",
    "2015-06-29T20:39Z",
    "2015-06-29T20:39:09.Z",
    "2015-06-29T20:39:09,2Z",
    "2015-06-29T20:39:09ZZ",
    "2015-06-29T20:39:09Z\n",
    " 2015-06-29T20:39:09Z",
    "2015-13-01T00:00:00Z",
    "2015-02-30T00:00:00Z",
    "2015-06-29T24:00:00Z",
    "2015-06-29T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "20150629T203909Z",
    "2015-W27-1T20:39:09Z",
    "2018-01-01T01:08:01.123456Z",  # 27 characters
    "\uff12015-06-29T20:39:09Z",  # a full-width digit
]


@pytest.mark.parametrize(("text", "instant"), FORMS.items(), ids=list(FORMS))
def test_the_six_forms_of_the_documents(text: str, instant: datetime) -> None:
    assert clock.parse(text) == instant


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_odd_forms_are_refused_with_the_allowed_one(text: str) -> None:
    with pytest.raises(ValueError, match="2015-06-29T20:39:09Z"):
        clock.parse(text)


AT = datetime(2026, 11, 2, 0, 0, 0, tzinfo=UTC)
OF_THE_FIELD = {
    "2026-11-02T00:00:00.123456Z": AT.replace(microsecond=123456),
    "2026-11-02T00:00:00.123456789Z": AT.replace(microsecond=123456),
    "2026-11-02T00:00:00.1234567": AT.replace(microsecond=123456),
    f"2026-11-02T00:00:00.{'0' * 400}Z": AT,
    "2026-11-02T00:00:00+00:00": AT,
    "2026-11-02T00:00:00-00:00": AT,
    "2026-11-02T01:30:00.5+01:30": AT.replace(microsecond=500000),
    "2026-11-01T19:00:00-0500": AT,
    "2026-11-02T05:00:00+05": AT,
    "2026-11-02t00:00:00z": AT,
    "2026-11-01T23:59:60Z": AT,
    "2026-11-02T01:59:60+02:00": AT,
}
NOT_OF_THE_FIELD = [
    "2026-11-02",
    "2026-11-02 00:00:00Z",
    "2026-11-02T00:00:00.Z",
    "2026-11-02T00:00:00+24:00",
    "2026-11-02T00:00:00+01:60",
    "2026-11-02T00:00:00Z+01:00",
    "2026-11-02T00:00:00+1",
    "2026-11-02T00:00:61Z",
    "2026-11-02T24:00:00Z",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "0001-01-01T00:00:00+00:01",
    "1762041600",
]


@pytest.mark.parametrize(("text", "instant"), OF_THE_FIELD.items(), ids=range(len(OF_THE_FIELD)))
def test_what_peers_write_is_read_leniently_and_refused_otherwise(text: str, instant: datetime) -> None:
    assert clock.parse_leniently(text) == instant
    with pytest.raises(ValueError, match="2015-06-29T20:39:09Z"):
        clock.parse(text)


@pytest.mark.parametrize(("text", "instant"), FORMS.items(), ids=list(FORMS))
def test_the_six_forms_of_the_documents_are_read_leniently_too(text: str, instant: datetime) -> None:
    assert clock.parse_leniently(text) == instant


@pytest.mark.parametrize("text", NOT_OF_THE_FIELD, ids=repr)
def test_what_has_more_than_one_meaning_is_refused_leniently_too(text: str) -> None:
    with pytest.raises(ValueError, match="or one with an offset"):
        clock.parse_leniently(text)


@given(st.text())
def test_any_other_text_is_refused_and_nothing_worse(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        clock.parse(text)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_is_rendered_reads_back_to_the_millisecond(instant: datetime) -> None:
    text = clock.render(instant)
    assert text.endswith("Z")
    assert len(text) <= 25
    assert clock.parse(text) == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def test_other_zones_go_out_in_utc() -> None:
    assert clock.render(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00.000Z"


def test_now_is_aware_and_whole_milliseconds() -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now().microsecond % 1000 == 0
