"""From one page of a list to the next, whatever the server does (OCPI 2.2.1 transport, Pagination)."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubinfo.ocpi import paging
from hubinfo.ocpi.client import Answer
from hubinfo.ocpi.paging import Crawl, PagingError, first_page
from tests.support.clients import get
from tests.support.crawls import LIST, NEXT, URL, following, page, stops
from tests.support.peers import Handler, Peer


@pytest.mark.parametrize(
    ("url", "limit", "first"),
    [
        (LIST, 50, f"{LIST}?offset=0&limit=50"),
        (LIST, None, f"{LIST}?offset=0"),
        (LIST + "/", 1, f"{LIST}/?offset=0&limit=1"),
        (LIST + "?", 1, f"{LIST}?offset=0&limit=1"),
        (LIST + "?tenant=a%2Fb&x", 1, f"{LIST}?tenant=a%2Fb&x&offset=0&limit=1"),
        (LIST + "?offset=7&a=1&limit=9", 5, f"{LIST}?a=1&offset=0&limit=5"),
        (LIST + "?limit=9", None, f"{LIST}?limit=9&offset=0"),
        (LIST + "?my_offset=1", None, f"{LIST}?my_offset=1&offset=0"),
    ],
)
def test_a_crawl_begins_at_the_beginning_with_the_query_that_the_url_has(url: str, limit: int | None, first: str) -> None:
    assert first_page(url, limit) == first


@pytest.mark.parametrize(
    ("count", "url"),
    [
        ("5", f"{LIST}?date_from=2026-01-01T00:00:00Z&limit=2&offset=2"),
        (" 3 ", f"{LIST}?date_from=2026-01-01T00:00:00Z&limit=2&offset=2"),
        ("2", None),
        ("1", None),
        ("0", None),
        ("", None),
        ("-5", None),
        ("5.0", None),
        ("5, 5", None),
        ("many", None),
        ("\u0665", None),
        ("9" * 5000, None),
    ],
)
def test_without_link_the_count_says_whether_more_is_asked_for_by_offset(count: str, url: str | None) -> None:
    assert following(page(X_Total_Count=count)) == url


def test_offset_takes_the_place_of_the_one_before_and_filters_stay() -> None:
    crawl, url = Crawl(), first_page(f"{LIST}?date_from=2026-01-01T00:00:00Z", 2)
    asked = []
    for received in (2, 3, 1):
        more = crawl.next_url(url, page([received], X_Total_Count="6"), received)
        asked.append(more and more.removeprefix(f"{LIST}?date_from=2026-01-01T00:00:00Z&"))
        url = more or url
    assert asked == ["limit=2&offset=2", "limit=2&offset=5", None]


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"X_Total_Count": "5"}, None, id="count-too-high"),
        pytest.param({"Link": f"<{NEXT}>; rel=next"}, NEXT, id="link"),
        pytest.param({"Link": f"<{NEXT}>; rel=next", "X_Total_Count": "5"}, NEXT, id="link-and-more-to-come"),
        pytest.param({"Link": f"<{NEXT}>; rel=next", "X_Total_Count": "0"}, None, id="link-of-a-server-that-always-sends-one"),
    ],
)
def test_an_empty_page_is_the_last_unless_a_link_leads_on(headers: dict[str, str], url: str | None) -> None:
    assert following(page(**headers), received=0) == url


def test_a_link_goes_before_the_count_and_pages_of_the_servers_own_making_end_with_the_last_link() -> None:
    crawl, cursor = Crawl(), f"{LIST}?cursor=x"
    assert crawl.next_url(first_page(LIST, 2), page(["a", "b"], Link="<?cursor=x>; rel=next", X_Total_Count="9"), 2) == cursor
    assert crawl.next_url(cursor, page(["c"], X_Total_Count="9"), 1) is None


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_of_links_is_an_error(length: int) -> None:
    crawl = Crawl()
    for number in range(length - 1):
        assert crawl.next_url(f"{LIST}?p={number}", page(Link=f"<?p={number + 1}>; rel=next"), 0)
    reason = stops(crawl, f"{LIST}?p={length - 1}", page(Link="<?p=0#again>; rel=next"), 0)
    assert reason == f'the list leads in a circle, back to "{LIST}?p=0"'


def test_a_server_that_ignores_offset_is_an_error_as_the_rest_never_comes() -> None:
    """What a full list does not contain is no longer valid, so a cut one must not look full (OCPI 2.2.1 hubclientinfo)."""
    crawl, answer = Crawl(), page(["a", "b"], X_Total_Count="5")
    url = crawl.next_url(URL, answer, 2)
    assert url is not None
    assert stops(crawl, url, answer, 2).startswith("the same page came again from ")


def test_what_was_read_already_is_not_asked_for_again_by_offset() -> None:
    """A hub that pages before it filters: 1 of 2 rows on each page, and a count of the rows before the filter."""
    crawl = Crawl()
    assert crawl.next_url(f"{LIST}?offset=0", page(["a"], Link="<?offset=2>; rel=next", X_Total_Count="4"), 1)
    assert crawl.next_url(f"{LIST}?offset=2", page(["b"], X_Total_Count="4"), 1) is None


def test_a_crawl_ends_after_ten_thousand_pages() -> None:
    crawl = Crawl()
    for number in range(1, paging.MAX_PAGES):
        assert crawl.next_url(f"{LIST}?p={number}", page(Link=f"<?p={number + 1}>; rel=next"), 0)
    last = f"{LIST}?p={paging.MAX_PAGES}"
    assert stops(crawl, last, page(Link="<?p=0>; rel=next"), 0) == "the list has more than 10000 pages"


def test_a_list_of_ten_thousand_pages_is_read_to_its_end() -> None:
    crawl = Crawl()
    for number in range(1, paging.MAX_PAGES):
        crawl.next_url(f"{LIST}?p={number}", page(), 1)
    assert crawl.next_url(f"{LIST}?p={paging.MAX_PAGES}", page(), 1) is None


def test_a_crawl_ends_above_a_million_objects() -> None:
    assert following(page(), received=1_000_000) is None
    assert stops(Crawl(), URL, page(), 1_000_001) == "the list has more than 1000000 objects"


@dataclass(frozen=True)
class Server:
    """A list that does not change, served in one of the ways met in the field."""

    rows: list[int]
    cap: int
    obeys_limit: bool
    link: str | None
    count: str | None

    def answer(self, url: str) -> Answer:
        query = dict(parse_qsl(urlsplit(url).query))
        offset = int(query.get("cursor", query.get("offset", 0)))
        size = min(self.cap, int(query.get("limit", self.cap))) if self.obeys_limit else self.cap
        if self.link is None and not (self.count or "").isdecimal():
            size = len(self.rows)  # whoever tells nothing of more pages has none
        end, headers = offset + size, {}
        if self.link and end < len(self.rows):
            headers["Link"] = f'<{self.link.format(end=end)}>; rel="next"'
        if self.count is not None:
            headers["X_Total_Count"] = self.count
        return page(self.rows[offset:end], **headers)


@st.composite
def servers(draw: st.DrawFn) -> Server:
    rows = list(range(draw(st.integers(0, 60))))
    links = [LIST + "?offset={end}", "?limit=10&offset={end}", "/ocpi?from=x&offset={end}&limit=3", "?cursor={end}"]
    link = draw(st.sampled_from([None, *links]))
    too_high = str(len(rows) + draw(st.integers(1, 100)))
    count = draw(st.sampled_from([None, str(len(rows)), too_high, "nonsense", "-1", ""]))
    return Server(rows, draw(st.integers(1, 25)), draw(st.booleans()), link, count)


def crawl_of(serve: Callable[[str], Answer], url: str) -> list[Any]:
    crawl, rows, following = Crawl(), list[Any](), first_page(url, 10)
    more: str | None = following
    while more is not None:
        answer = serve(more)
        rows += answer.data
        more = crawl.next_url(more, answer, len(answer.data))
    return rows


@given(servers())
def test_whatever_the_server_each_row_comes_once(server: Server) -> None:
    assert crawl_of(server.answer, LIST) == server.rows


@given(st.dictionaries(st.integers(0, 9), st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 50))))
def test_whatever_the_links_a_crawl_ends(graph: dict[int, tuple[int, int, int]]) -> None:
    asked: list[str] = []

    def serve(url: str) -> Answer:
        asked.append(url)
        number = int(dict(parse_qsl(urlsplit(url).query)).get("p", 0))
        to, size, count = graph.get(number, (None, 0, 0))
        return page([number] * size, X_Total_Count=str(count), **({} if to is None else {"Link": f"<?p={to}>; rel=next"}))

    with contextlib.suppress(PagingError):
        crawl_of(serve, LIST)
    assert len(asked) == len(set(asked)) <= 11


def test_a_crawl_over_http(make_peer: Callable[..., Peer]) -> None:
    """Links may come in several header lines too (RFC 9110 5.3)."""
    peer = make_peer()

    def serve(handler: Handler) -> None:
        number = int(dict(parse_qsl(urlsplit(handler.path).query)).get("p", 0))
        handler.send_response_only(200)
        handler.send_header("link", "<?p=0>; rel=first")
        if number < 2:
            handler.send_header("link", f'<?p={number + 1}>; rel="next"')
        body = f'{{"status_code": 1000, "data": [{number}]}}'.encode()
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    peer.behave("GET", "/list", serve)
    assert crawl_of(get, f"{peer.base}/list?a=1") == [0, 1, 2]
    assert [request.path for request in peer.received] == ["/list?a=1&offset=0&limit=10", "/list?p=1", "/list?p=2"]
