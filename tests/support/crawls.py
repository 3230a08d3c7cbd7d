"""Pages of a list as a server answers them, and what a crawl makes of them."""

from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from hubinfo.ocpi.client import Answer
from hubinfo.ocpi.paging import Crawl, PagingError

LIST = "https://hub.example/ocpi/2.2.1/hubclientinfo"
URL = f"{LIST}?date_from=2026-01-01T00:00:00Z&limit=2"
NEXT = f"{LIST}?offset=2"


def page(data: Any = (), **headers: str) -> Answer:
    return Answer(200, 1000, list(data), 0.1, CaseInsensitiveDict({name.replace("_", "-"): it for name, it in headers.items()}))


def following(answer: Answer, received: int = 2, url: str = URL) -> str | None:
    return Crawl().next_url(url, answer, received)


def stops(crawl: Crawl, url: str, answer: Answer, received: int) -> str:
    with pytest.raises(PagingError) as caught:
        crawl.next_url(url, answer, received)
    assert caught.value.reason == str(caught.value)
    return caught.value.reason
