"""Path segments go before the query of a URL, which a Receiver's or Sender's may have; a fragment is dropped."""

import pytest

from hubinfo.ocpi.fields import below
from hubinfo.ocpi.paging import first_page


@pytest.mark.parametrize(
    ("url", "put_at"),
    [
        ("http://h/r", "http://h/r/DE/XYZ"),
        ("http://h/r/", "http://h/r/DE/XYZ"),
        ("http://h/r?tenant=5", "http://h/r/DE/XYZ?tenant=5"),
        ("http://h/r/?tenant=5&x=/a%2Fb", "http://h/r/DE/XYZ?tenant=5&x=/a%2Fb"),
        ("http://h?tenant=5#top", "http://h/DE/XYZ?tenant=5"),
        ("https://h:8443/a%20b#x?y", "https://h:8443/a%20b/DE/XYZ"),
    ],
)
def test_a_push_goes_below_the_path(url: str, put_at: str) -> None:
    assert below(url, "DE", "XYZ") == put_at


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://h/s?tenant=5#top", "http://h/s?tenant=5&offset=0&limit=9"),
        ("http://h/s#top", "http://h/s?offset=0&limit=9"),
        ("http://h/s?offset=3", "http://h/s?offset=0&limit=9"),
    ],
)
def test_a_pull_keeps_the_query_and_drops_the_fragment(url: str, asked: str) -> None:
    assert first_page(url, 9) == asked
