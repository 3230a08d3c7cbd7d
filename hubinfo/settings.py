"""Every setting: its name, its default, its check, its meaning."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hubinfo import checks
from hubinfo.ocpi.certificates import Certificates
from hubinfo.ocpi.dialect import DIALECTS, ROLES

OPEN = "open"
"""Of REGISTRATION."""
LONGEST_SECONDS = 1_000_000_000  # thirty years; far beyond it there are no dates


def _setting(
    default: Any,
    parse: Callable[[str], Any],
    allowed: str,
    meaning: str,
    *,
    unset: str | None = None,
    shown: Callable[[object], str] = repr,
) -> Any:
    """`unset` says in words what holds without it, where the default itself does not.

    `shown` is for a wrong value. One that must not be shown as it is does not stand in a traceback either.
    """
    said = {"parse": parse, "allowed": allowed, "meaning": meaning, "unset": unset, "shown": shown}
    return field(default=default, repr=shown is repr, metadata=said)


def _seconds(default: float, meaning: str, low: float = 0.001, high: float = LONGEST_SECONDS) -> Any:
    return _setting(default, checks.number(low, high), f"a number of seconds from {low} to {high}", meaning)


def _whole(default: int, high: int, meaning: str) -> Any:
    return _setting(default, checks.integer(1, high), f"a whole number from 1 to {high}", meaning)


def _boolean(default: bool | None, meaning: str, *, unset: str | None = None) -> Any:
    return _setting(default, checks.boolean, "true or false", meaning, unset=unset)


def _without_password(value: object) -> str:
    return repr(checks.without_password(str(value).strip()))


def _hidden(_value: object) -> str:
    return "(not shown)"


_WEB = "an http(s) URL of at most 255 characters"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process, checked."""

    instance_path: Path
    production: bool = False

    database_url: str = _setting(
        "",
        checks.database_url,
        "sqlite:///FILE or postgresql://USER@HOST/DATABASE",
        "where everything is kept",
        unset="SQLite in `instance/`",
        shown=_without_password,
    )
    public_url: str = _setting(
        "http://127.0.0.1:5000",
        checks.base_url,
        "an http(s) URL of at most 200 characters, no query, no user",
        "base of every URL told to others",
    )
    country_code: str = _setting(
        "XX", checks.in_upper_case("[A-Za-z]{2}"), "two letters", "who this platform is; production refuses XX"
    )
    party_id: str = _setting("HUB", checks.in_upper_case("[A-Za-z0-9]{3}"), "three letters or digits", "who this platform is")
    name: str = _setting("hubinfo", checks.printable, "a text that is not empty", "who this platform is")
    website: str | None = _setting(None, checks.web_address, _WEB, "of this platform's business_details", unset="none")
    logo_url: str | None = _setting(None, checks.web_address, _WEB, "of this platform's business_details", unset="none")
    roles: tuple[str, ...] = _setting(
        ("HUB",), checks.each_of(ROLES), f"a comma list of {', '.join(ROLES)}", "OCPI roles of this platform"
    )
    versions: tuple[str, ...] = _setting(
        tuple(DIALECTS), checks.each_of(DIALECTS), f"a comma list of {', '.join(DIALECTS)}", "OCPI versions offered"
    )
    keepalive_seconds: float = _seconds(300.0, "silence after which a platform is asked")
    keepalive_retry_seconds: float = _seconds(
        10.0, "wait between checks of a platform that failed one; doubles while OFFLINE, up to KEEPALIVE_SECONDS"
    )
    offline_after_failures: int = _whole(2, 1_000_000, "failed checks in a row that make a platform OFFLINE")
    request_timeout_seconds: float = _seconds(10.0, "limit of one outgoing request, from start to last byte", 0.01, 3600)
    push_concurrency: int = _whole(32, 1000, "receivers served at the same time, each by a thread")
    push_retry_seconds: float = _seconds(1.0, "first wait after a failed push; doubles with jitter, at most 60", high=60)
    catch_up: bool = _boolean(False, "tell a receiver that returns what changed meanwhile; else it owes itself a GET")
    sync_seconds: float = _seconds(86400.0, "party side: time between full pulls")
    page_limit: int = _whole(100, 1_000_000, "the most objects per page")
    history_days: int = _whole(400, 36_500, "how long changes of status, and what operators did, are kept")
    strict: bool = _boolean(False, "refuse what OCPI requires but peers in the field leave out or write differently")
    registration: str = _setting(
        "invited",
        checks.matching("invited|open"),
        "invited or open",
        "`invited`: a platform may register only parties that were invited for it; `open`: also any that nobody holds (test labs)",
    )
    max_roles: int = _whole(100, 1000, "most roles that one platform may register")
    allow_private_networks: bool = _boolean(
        None, "may a peer's URL point to loopback or a private network", unset="true under `flask run`, false under gunicorn"
    )
    allow_http: bool = _boolean(None, "may a peer's URL be `http://`", unset="true under `flask run`, false under gunicorn")
    ca_file: str | None = _setting(
        None,
        checks.existing_file,
        "a file with the CA certificates to trust, PEM",
        "trusted in addition to the public ones",
        unset="the public authorities alone",
    )
    client_cert_file: str | None = _setting(
        None,
        checks.existing_file,
        "a file with a certificate, PEM",
        "shown to peers that demand a TLS client certificate",
        unset="none",
    )
    client_key_file: str | None = _setting(
        None,
        checks.existing_file,
        "a file with the key of CLIENT_CERT_FILE, PEM, without a password",
        "the key of CLIENT_CERT_FILE",
        unset="in CLIENT_CERT_FILE",
    )
    secret_key: tuple[str, ...] = _setting(
        (),
        checks.secrets,
        "one secret or several, comma-separated, newest first, none empty",
        "encrypts the tokens we send",
        unset="made once in `instance/secret.key`",
        shown=_hidden,
    )
    operator_password: str | None = _setting(
        None,
        checks.printable,
        "a text that is not empty",
        "for the operator",
        unset="made once in `instance/operator.password`",
        shown=_hidden,
    )
    metrics_token: str | None = _setting(
        None,
        checks.matching("[!-~]+"),
        "ASCII characters without spaces",
        "required as `Authorization: Bearer` by `/metrics`",
        unset="none: `/metrics` is open",
        shown=_hidden,
    )
    log_format: str = _setting("text", checks.matching("text|json"), "text or json", "how log lines look")

    notify_mail_to: tuple[str, ...] = _setting(
        (),
        checks.mail_addresses,
        "a comma list of mail addresses",
        "whom to mail what needs somebody: [notifications](notifications.md)",
        unset="nobody",
    )
    notify_mail_from: str | None = _setting(None, checks.mail_address, "a mail address", "from whom", unset="none")
    smtp_url: str | None = _setting(
        None,
        checks.smtp_url,
        "smtp:// or smtps://, then HOST or USER:PASSWORD@HOST, both in ASCII, perhaps :PORT",
        "through which mail server",
        unset="none",
        shown=_without_password,
    )
    notify_webhook_url: str | None = _setting(
        None,
        checks.webhook_url,
        "an http(s) URL of at most 1000 characters, no user",
        "where to POST the same",
        unset="none",
        shown=_hidden,
    )
    notify_webhook_secret: bytes | None = _setting(
        None,
        checks.webhook_secret,
        "whsec_ and 24 to 64 bytes in base64",
        "signs it, as Standard Webhooks describes",
        unset="none",
        shown=_hidden,
    )
    notify_urls: tuple[str, ...] = _setting(
        (),
        checks.apprise_urls,
        "a comma list of apprise URLs",
        "where else to tell it; needs the extra `notify`",
        unset="none",
        shown=_hidden,
    )
    notify_offline_seconds: float = _seconds(600.0, "a party OFFLINE for so long is told of", 0)
    notify_untold_seconds: float = _seconds(
        900.0, "so is a platform that cannot be told for so long, or a hub that cannot be pulled from", 0
    )
    notify_group_seconds: float = _seconds(30.0, "what happens within is one message", 0)
    notify_quiet_seconds: float = _seconds(3600.0, "no party is told of again before; what happened meanwhile is summed up", 0)

    @property
    def versions_url(self) -> str:
        """The one URL told to others (OCPI 2.2.1 versions)."""
        return f"{self.public_url}/ocpi/versions"

    @property
    def party(self) -> str:
        """This platform's short name."""
        return f"{self.country_code}-{self.party_id}"

    @property
    def certificates(self) -> Certificates:
        """What is trusted, and what is shown, over TLS."""
        return Certificates(self.ca_file, self.client_cert_file, self.client_key_file)
