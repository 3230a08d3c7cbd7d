"""The real nginx, unprivileged, with the site of deploy/ on loopback ports."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import SOURCES, Server, free_port

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
SITE = SOURCES / "deploy" / "nginx" / "hubinfo.conf"
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/hubinfo.conf;
}}
"""


def require_nginx() -> str:
    """Its path. Where it is missing the test is skipped, and in CI it fails."""
    if NGINX is not None:
        return NGINX
    if os.environ.get("CI"):
        pytest.fail("needs nginx, which CI has to install")
    pytest.skip("needs nginx")


def replaced(site: str, old: str, new: str) -> str:
    """Fails the test when the site no longer has this."""
    changed, count = re.subn(re.escape(old), new, site)
    assert count == 1, f"{count} times in the site: {old}"
    return changed


def make_certificate(folder: Path) -> None:
    """Of its own authority, for localhost."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True, timeout=60)


class Nginx(Server):
    """In front of hubinfo and a router, which listen on these ports."""

    def __init__(self, folder: Path, hubinfo: int, router: int) -> None:
        path = require_nginx()
        make_certificate(folder)
        self.http_port, port = free_port(), free_port()
        site = SITE.read_text()
        for old, new in (
            ("listen 80;", f"listen 127.0.0.1:{self.http_port};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
            ("127.0.0.1:5000", f"127.0.0.1:{hubinfo}"),
            ("127.0.0.1:8080", f"127.0.0.1:{router}"),
            ("/etc/letsencrypt/live/hub.example.com/fullchain.pem", f"{folder}/fullchain.pem"),
            ("/etc/letsencrypt/live/hub.example.com/privkey.pem", f"{folder}/privkey.pem"),
        ):
            site = replaced(site, old, new)
        (folder / "hubinfo.conf").write_text(site)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        command = [path, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
        super().__init__(command, folder, dict(os.environ), port)
        self.url = f"https://127.0.0.1:{port}"
        self.ca_file = str(folder / "fullchain.pem")
