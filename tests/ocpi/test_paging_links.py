"""Which link of an answer leads to the next page (OCPI 2.2.1 transport, Pagination; RFC 8288)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubinfo.ocpi.paging import Crawl, PagingError
from tests.support.crawls import LIST, NEXT, URL, following, page, stops


@pytest.mark.parametrize(
    "link",
    [
        f'<{NEXT}>; rel="next"',
        f"<{NEXT}>; rel=next",
        f"<{NEXT}>;rel='next'",
        f'<{NEXT}>;REL="NEXT"',
        f'<{NEXT}> ; rel = "next"',
        f'< {NEXT} >; rel="next"',
        f'<{NEXT}>; rel="last next"',
        f'<{NEXT}>; title="a, <b>; rel=prev"; rel="next"',
        f'<{NEXT}>; crossorigin; rel=next; type="application/json"',
        f'<{LIST}>; rel="first", <{NEXT}>; rel="next", <{LIST}?offset=8>; rel="last"',
        f"<{LIST}>; rel=prev,<{NEXT}>; rel=next",
        f'<{LIST}>; title="x; rel=next"; rel=prev, <{NEXT}>; rel=next',
        f'<{NEXT}#top>; rel="next"',
        '<?offset=2>; rel="next"',
        '<hubclientinfo?offset=2>; rel="next"',
        '</ocpi/2.2.1/hubclientinfo?offset=2>; rel="next"',
        '<//hub.example/ocpi/2.2.1/hubclientinfo?offset=2>; rel="next"',
    ],
)
@pytest.mark.parametrize("name", ["Link", "link", "LINK"])
def test_link_next_is_followed_however_it_is_written(name: str, link: str) -> None:
    """RFC 8288 3, RFC 3986 5: several links, parameters quoted or not, relative references."""
    assert following(page(**{name: link, "X_Total_Count": "2"})) == NEXT


@pytest.mark.parametrize(
    "link",
    [
        "",
        ",",
        "next",
        NEXT,
        f"<{NEXT}>",
        f"<{NEXT}>; rel",
        f"<{NEXT}>; rel=",
        f"<{NEXT}>; rel=prev",
        f'<{NEXT}>; rel="nextpage"',
        '<>; rel="next"',
        f'<{NEXT}; rel="next"',
        f'<{NEXT}>; title="rel=next"',
        f"<{NEXT}>; rel=prev; rel=next",
    ],
)
def test_without_link_next_this_was_the_last_page(link: str) -> None:
    """RFC 8288 3.3: of several rel the first counts."""
    assert following(page(Link=link)) is None


def test_a_link_that_is_no_url_ends_the_crawl() -> None:
    assert stops(Crawl(), URL, page(Link='<https://[x>; rel="next"'), 2) == 'Link="https://[x": must be a URL'
    assert stops(Crawl(), URL, page(Link=f'<{"x" * 4000}>; rel="next"'), 2).endswith("must be a URL of at most 4000 characters")


@given(st.text("<>\"',;= \\relnxt:/?[]#", max_size=80))
def test_any_link_header_is_followed_or_not_or_ends_the_crawl(link: str) -> None:
    try:
        assert following(page(Link=link)) != URL
    except PagingError:
        assert "next" in link


def work_seconds(text: str, length: int) -> float:
    """The processor time that a Link header of so many characters takes, the best of three."""

    def once() -> float:
        began = time.thread_time()
        following(page(Link=text * (length // len(text))))
        return time.thread_time() - began

    return min(once() for _ in range(3))


@pytest.mark.parametrize("text", ["<", "<>", '<>"', '<>;"', "<>;a", "<>; rel", ";", '"', "<>; ", "<>;=", ',<a>;rel=";'])
def test_a_hostile_link_header_takes_no_time(text: str) -> None:
    """Sixteen times the length takes about sixteen times the work; were it read in quadratic time, 256 times."""
    assert work_seconds(text, 65536) < 80 * work_seconds(text, 4096)
