"""One full pull from one hub, page by page; what came of it so far (OCPI 2.2.1 hubclientinfo, Sender GET)."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from hubinfo.database import write
from hubinfo.logs import say
from hubinfo.models import Platform
from hubinfo.ocpi.authorization import TokenForm
from hubinfo.ocpi.client import MEBIBYTE, Answer, Request, new_id
from hubinfo.ocpi.dialect import DIALECTS
from hubinfo.ocpi.paging import Crawl, PagingError, first_page, total_count
from hubinfo.ocpi.schemas import read_client_infos
from hubinfo.receiver import known

_log = logging.getLogger(__name__)
_LIMIT = 100
_MAX_PAGE = 16 * MEBIBYTE
"""Some servers know no pages: more than the 1 MiB of other answers, enough for a hundred thousand parties."""
_REASONS_SHOWN = 10
_MAX_REASON = 255


@dataclass
class Pull:
    """A pull that has not finished counts as broken, so that one cut off by the end of the process marks nothing."""

    platform_id: int
    hub: str
    version: str
    sender_url: str
    token_out: str | None
    token: str
    token_form: TokenForm
    began: datetime
    strict: bool
    planned_at: datetime | None
    """What the hub's `next_sync_at` was at the beginning."""
    reason: str | None = "not finished: the process was stopped"
    """Why it did not come through; None when it did."""
    retry_after_seconds: float = 0.0
    received: int = 0
    """Objects that could be used."""
    ignored: int = 0
    """Those that could not."""
    ignored_reasons: list[str] = field(default_factory=list)
    """Why not, of the first of them."""
    changed: int = 0
    no_longer_valid: int = 0
    correlation_id: str = field(default_factory=new_id)
    """Of all its requests."""
    _url: str = ""
    _listed: set[known.Key] = field(default_factory=set)
    _is_second: bool = False
    _reading: "_Reading" = field(default_factory=lambda: _Reading())

    @classmethod
    def of(cls, hub: Platform, token: str, now: datetime, *, strict: bool) -> "Pull":
        """From this hub, with the token it gave us."""
        form = TokenForm(hub.token_form or TokenForm.BASE64)
        sender_url = hub.sender_url or ""
        pull = cls(hub.id, hub.name, hub.version or "", sender_url, hub.token_out, token, form, now, strict, hub.next_sync_at)
        pull._begin_reading()
        return pull

    def _begin_reading(self) -> None:
        self._url, self._reading = first_page(self.sender_url, _LIMIT), _Reading()

    def request(self) -> Request:
        """GET the next page."""
        return Request(
            platform_id=self.platform_id,
            url=self._url,
            token=self.token,
            token_form=self.token_form,
            max_answer=_MAX_PAGE,
            correlation_id=self.correlation_id,
        )

    def fail(self, reason: str, retry_after_seconds: float | None = None) -> None:
        """It breaks off here."""
        self.reason, self.retry_after_seconds = reason[:_MAX_REASON], retry_after_seconds or 0.0

    def take(self, answer: Answer, now: datetime) -> bool:
        """Store one page; whether another follows."""
        if answer.data is None:
            answer = replace(answer, data=[])  # OCPI 2.2.1 terminology, Cardinality `*`: an empty list may be null or left out
        try:
            self._store(answer, now)
            following = self._reading.crawl.next_url(self._url, answer, len(answer.data))
        except (ValueError, PagingError) as error:
            self.fail(f"{error} ({self._url})")
            return False
        if following is not None:
            self._url = following
        elif self._is_in_doubt():
            self._is_second = True
            self._begin_reading()
        else:
            self.reason = None
        return self.reason is not None

    def _store(self, answer: Answer, now: datetime) -> None:
        """The good entries of a page; the bad ones are logged (OCPI 2.2.1 transport). Raises ValueError when it is no list."""
        usable, unusable = read_client_infos(answer.data, DIALECTS[self.version], strict=self.strict)
        for reason in unusable[:_REASONS_SHOWN]:
            say(_log, logging.WARNING, "client_info_ignored", hub=self.hub, url=self._url, reason=reason)
        self._reading.note(answer)
        self._listed |= self._reading.listed
        if not self._is_second:
            self.received += len(usable)
            self.ignored += len(unusable)
            self.ignored_reasons += unusable[: _REASONS_SHOWN - len(self.ignored_reasons)]
        with write() as session:
            self.changed += known.merge(session, self.platform_id, usable, self.began, now)

    def _is_in_doubt(self) -> bool:
        """Whether rows may have been skipped as pages shifted: then the list is read once more before any is said to be gone."""
        if self._is_second or self._reading.pages == 1:
            return False
        return self._reading.has_gaps or bool(known.unlisted(self.platform_id, self._listed, self.began))

    def mark(self) -> None:
        """What the hub no longer lists is no longer valid; inside write(), once the pull has come through."""
        if self._reading.is_empty_without_count:
            say(_log, logging.WARNING, "pull_is_empty", hub=self.hub, reason="without X-Total-Count: 0 nothing is marked")
        elif self._reading.has_gaps:
            say(_log, logging.WARNING, "pull_has_gaps", hub=self.hub, listed=self._reading.counted, counted=self._reading.total)
        else:
            self.no_longer_valid = known.no_longer_listed(self.platform_id, self._listed, self.began)


@dataclass
class _Reading:
    """One reading of the list, from its first page to its last."""

    crawl: Crawl = field(default_factory=Crawl)
    listed: set[known.Key] = field(default_factory=set)
    counted: int = 0
    """Entries, without those that came again on a later page."""
    pages: int = 0
    total: int | None = None
    """The largest `X-Total-Count`."""

    def note(self, answer: Answer) -> None:
        keys = known.keys(answer.data)
        self.counted += len(answer.data) - len(keys & self.listed)
        self.listed |= keys
        self.pages += 1
        self.total = max((count for count in (self.total, total_count(answer)) if count is not None), default=None)

    @property
    def is_empty_without_count(self) -> bool:
        """Whether nothing came and the hub does not say that nothing is what there is: it may be a fault of the hub."""
        return self.counted == 0 and self.total is None

    @property
    def has_gaps(self) -> bool:
        """Whether fewer came than the hub counts: rows were skipped, and nobody knows which."""
        return self.total is not None and self.total > self.counted
