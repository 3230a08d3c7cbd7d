"""Who is signed in, said by a signed cookie: nothing is kept on the server, so any process knows it."""

import hashlib
import hmac
from typing import Any

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from hubinfo.config import current_settings
from hubinfo.operator.access import operator_password
from hubinfo.platforms.keys import keys_of
from hubinfo.platforms.vault import make_secret

COOKIE = "hubinfo_session"
VISITOR_COOKIE = "hubinfo_visitor"
BROWSER_COOKIE = "hubinfo_browser"
LIFETIME_SECONDS = 12 * 3600
_REMEMBERED_SECONDS = 90 * 24 * 3600


def begin(response: Response) -> None:
    """Sign in whoever gets this response, for twelve hours; the browser is known from then on."""
    set_cookie(response, COOKIE, signed("session", make_secret(16)), LIFETIME_SECONDS)
    set_cookie(response, BROWSER_COOKIE, signed("browser", True), _REMEMBERED_SECONDS)


def is_known_browser() -> bool:
    """Whether the password was given in this browser before. It opens nothing."""
    return unsigned("browser", request.cookies.get(BROWSER_COOKIE), _REMEMBERED_SECONDS) is True


def end(response: Response) -> None:
    """Sign out."""
    response.delete_cookie(COOKIE)


def current() -> str | None:
    """The id of the session that the request belongs to; None when it is not signed in."""
    return _text(unsigned("session", request.cookies.get(COOKIE), LIFETIME_SECONDS))


def visitor() -> str:
    """The same for who is not signed in yet, so that the sign-in form has a token too."""
    return request.cookies.get(VISITOR_COOKIE) or make_secret(16)


def has_cookie() -> bool:
    """Whether the browser has sent back what every form comes with."""
    return COOKIE in request.cookies or VISITOR_COOKIE in request.cookies


def form_token(identity: str) -> str:
    """What every form of this session or visitor carries: another site cannot know it."""
    return _form_token(_keys()[0], identity)


def is_form_token(identity: str, presented: str) -> bool:
    """Whether a form came from a page of ours, made for this session or visitor, under any of our keys."""
    good = [_form_token(key, identity) for key in _keys()]
    return any(hmac.compare_digest(each.encode(), presented.encode()) for each in good)


def signed(purpose: str, value: Any) -> str:
    """A value that nobody else can make up; readable by who has it."""
    return _serializer(purpose).dumps(value)


def unsigned(purpose: str, text: str | None, lifetime_seconds: int) -> Any:
    """The value; None when it is missing, too old or not ours."""
    try:
        return _serializer(purpose).loads(text or "", max_age=lifetime_seconds)
    except BadSignature:
        return None


def set_cookie(response: Response, name: str, value: str, lifetime_seconds: int | None) -> None:
    """Out of reach of scripts and of other sites' forms."""
    is_https = current_settings().public_url.startswith("https://")
    response.set_cookie(name, value, max_age=lifetime_seconds, secure=is_https, httponly=True, samesite="Lax")


def _form_token(key: bytes, identity: str) -> str:
    return hmac.new(key, f"form {identity}".encode(), hashlib.sha256).hexdigest()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    oldest_first = _keys()[::-1]
    return URLSafeTimedSerializer(oldest_first, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})


def _keys() -> list[bytes]:
    """Newest first. The password is part of them: who changes it signs everybody out."""
    password = operator_password().encode()
    return [hmac.new(key.encode(), b"hubinfo board " + password, hashlib.sha256).digest() for key in keys_of(current_settings())]
