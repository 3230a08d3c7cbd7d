"""Tokens: made, hashed when others present them, encrypted when we do."""

import base64
import fcntl
import functools
import hashlib
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from blinker import Namespace
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hubinfo.config import SettingsError

KEY_FILE = "secret.key"
secret_made = Namespace().signal("secret_made")
"""Sent with each secret as its sender. The tests look for them all in what is logged; nothing else may listen."""
WHAT_TO_DO = "restore it from a backup, or write a new key into it, then unregister every platform with --force, and invite it anew"


class TokenUnreadable(Exception):
    """The token was encrypted with a key that is not among SECRET_KEY."""

    def __init__(self) -> None:
        super().__init__("stored token cannot be decrypted: SECRET_KEY has changed")


def make_secret(size: int = 32) -> str:
    """Return that many random bytes as letters, digits, `-` and `_`, and send the signal `secret_made`."""
    secret = secrets.token_urlsafe(size)
    secret_made.send(secret)
    return secret


def make_token() -> str:
    """256 random bits, fit for a header and a command line, which takes a word with `-` in front for an option."""
    while (token := make_secret()).startswith("-"):
        pass
    return token


def digest(token: str) -> str:
    """What is stored of a token that others present; nobody can get from it to the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def keys_in(instance_path: Path) -> tuple[str, ...]:
    """The keys of this instance, newest first; one is made, readable by its owner only, where there is none.

    Raises SettingsError when the file cannot be read or is empty: a new key would make every stored token unreadable.
    """
    path = instance_path / KEY_FILE
    try:
        make_once(path, make_secret)
        text = path.read_text()
    except (OSError, ValueError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}"]) from None
    keys = tuple(line.strip() for line in text.replace(",", "\n").splitlines() if line.strip())
    if not keys:
        raise SettingsError([f"{path}: holds no key; {WHAT_TO_DO}"])
    return keys


def make_once(path: Path, make: Callable[[], str], link: Callable[[Path, Path], None] = os.link) -> bool:
    """Write a secret to a new file, mode 0600; of several processes one wins. Returns whether this one did."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
        return _give_name(draft, path, link)
    finally:
        draft.unlink(missing_ok=True)


def _give_name(draft: Path, path: Path, link: Callable[[Path, Path], None]) -> bool:
    """Whether the name was free; nobody ever sees half a file."""
    try:
        link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if path.exists():
                return False
            draft.replace(path)
        finally:
            os.close(folder)
    return True


class Vault:
    """Encrypts the tokens we send. The newest key writes, all of them read, so keys can be rotated."""

    def __init__(self, keys: Callable[[], tuple[str, ...]]) -> None:
        self._keys = keys
        self._decrypt = functools.lru_cache(maxsize=4096)(self._decrypt_anew)

    def encrypt(self, token: str) -> str:
        """What may be stored."""
        return self._fernets[0].encrypt(token.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """The token; remembered, since one change goes to every platform. Raises TokenUnreadable."""
        token = self._decrypt(stored)
        if token is None:
            raise TokenUnreadable
        return token

    def can_read(self, stored: str) -> bool:
        """Whether one of the keys wrote it; remembered too."""
        return self._decrypt(stored) is not None

    def _decrypt_anew(self, stored: str) -> str | None:
        try:
            return MultiFernet(self._fernets).decrypt(stored).decode()
        except InvalidToken:
            return None

    def renewed(self, stored: str) -> str:
        """The same token under the newest key; unchanged if that wrote it. Raises TokenUnreadable."""
        token = self.decrypt(stored)
        try:
            self._fernets[0].decrypt(stored)
        except InvalidToken:
            return self.encrypt(token)
        return stored

    @functools.cached_property
    def _fernets(self) -> list[Fernet]:
        return [Fernet(_derive(key)) for key in self._keys()]


def _derive(key: str) -> bytes:
    """Any secret text becomes a Fernet key."""
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=b"hubinfo tokens").derive(key.encode()))
