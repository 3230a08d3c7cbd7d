"""The files by which the two sides of a TLS connection know each other."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Certificates:
    """All in PEM."""

    ca_file: str | None = None
    """Trusted in addition to the public ones."""
    client_cert_file: str | None = None
    """Shown to peers that demand one; with its key, unless that has a file of its own."""
    client_key_file: str | None = None

    def load_own(self, context: ssl.SSLContext) -> None:
        """Show the client certificate, if there is one. Raises OSError when it cannot be used; never asks for a password."""
        if self.client_cert_file:
            context.load_cert_chain(self.client_cert_file, self.client_key_file, password=str)
