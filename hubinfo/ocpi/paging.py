"""The client's side of paging: from one page of a list to the next (OCPI 2.2.1 transport, Pagination)."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from hubinfo.ocpi.client import Answer
from hubinfo.ocpi.complaints import show

MAX_PAGES = 10_000
MAX_OBJECTS = 1_000_000
_MAX_URL = 4000
_LINK = re.compile(r'<([^<>]*)>((?:[^<>",]|"[^"]*")*)')
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"([^"]*)"|([^\s;"]*))')
_OFFSET = re.compile(r"[?&]offset=")
_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)


class PagingError(Exception):
    """This list cannot be read to its end; what came of it is not all there is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def first_page(url: str, limit: int | None) -> str:
    """The URL that a crawl starts with: this list from its beginning; `limit` is the server's own when None."""
    return _with_query(url, offset=0, **({} if limit is None else {"limit": limit}))


class Crawl:
    """One reading of one list, page by page.

    1. A `Link` with rel="next" is followed, whatever it names: the server knows its pages.
    2. Without one, more is asked for by `offset` while `X-Total-Count` says that there is more than came so far.
    3. A page without both is the last, or all there is: many servers do not page.
    """

    def __init__(self) -> None:
        self._read: set[str] = set()
        self._received = 0
        self._page: Any = None

    def next_url(self, url: str, answer: Answer, received: int) -> str | None:
        """The URL of the page after this one; None when it was the last.

        `received`: the objects on this page, unusable ones included. Raises PagingError when the server leads in a
        circle or comes to no end.
        """
        self._note(url, answer, received)
        total = total_count(answer)
        if not received and total is not None and total <= self._received:
            return None  # whatever Link says: some servers send one with every page
        following = _linked(url, answer) or self._by_offset(url, received, total)
        if following is None:
            return None
        if following in self._read:
            raise PagingError(f"the list leads in a circle, back to {show(following)}")
        if len(self._read) >= MAX_PAGES:
            raise PagingError(f"the list has more than {MAX_PAGES} pages")
        return following

    def _note(self, url: str, answer: Answer, received: int) -> None:
        self._read.add(urldefrag(url).url)
        self._received += received
        if self._received > MAX_OBJECTS:
            raise PagingError(f"the list has more than {MAX_OBJECTS} objects")
        if received and answer.data and answer.data == self._page:
            raise PagingError(f"the same page came again from {show(url)}")
        self._page = answer.data

    def _by_offset(self, url: str, received: int, total: int | None) -> str | None:
        by_cursor = len(self._read) > 1 and _OFFSET.search(url) is None  # of the server's own making: only Link leads on
        if by_cursor or not received or total is None or total <= self._received:
            return None
        following = _with_query(url, offset=self._received)
        return None if following in self._read else following  # what it holds has come already


def total_count(answer: Answer) -> int | None:
    """`X-Total-Count`; None for nonsense too: the count is a help, not a condition."""
    value = answer.headers.get("X-Total-Count", "").strip()
    return int(value) if _COUNT.fullmatch(value) else None


def _linked(url: str, answer: Answer) -> str | None:
    target = next(_targets(answer.headers.get("Link", "")), None)
    if target is None:
        return None
    try:
        following = urldefrag(urljoin(url, target)).url
    except ValueError:
        raise PagingError(f"Link={show(target)}: must be a URL") from None
    if len(following) > _MAX_URL:
        raise PagingError(f"Link={show(target)}: must be a URL of at most {_MAX_URL} characters")
    return following


def _targets(header: str) -> Iterator[str]:
    """The URLs with rel="next" (RFC 8288 3: several links, parameters quoted or not, several words in one rel)."""
    for target, parameters in _LINK.findall(header):
        rel = next((quoted or bare for name, quoted, bare in _PARAMETER.findall(parameters) if name.lower() == "rel"), "")
        if target.strip() and "next" in rel.strip("'").lower().split():
            yield target.strip()


def _with_query(url: str, **parameters: int) -> str:
    """The URL with these parameters in place of its own; the rest of the query stays as it is, letter by letter."""
    parts = urlsplit(url)
    kept = [part for part in parts.query.split("&") if part and part.partition("=")[0] not in parameters]
    return urlunsplit(
        parts._replace(fragment="", query="&".join([*kept, *(f"{name}={value}" for name, value in parameters.items())]))
    )
