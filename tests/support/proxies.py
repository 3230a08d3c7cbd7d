"""The real nginx and the real Envoy, unprivileged, with what deploy/ has for them, on loopback ports."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.processes import BIN, SOURCES, Server, free_port

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(BIN)])
PROGRAMS = {name: shutil.which(name, path=PATH) for name in ("nginx", "envoy")}
SITE = SOURCES / "deploy" / "nginx" / "hubinfo.conf"
ENVOY = SOURCES / "deploy" / "envoy" / "envoy.yaml"
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


def require(name: str) -> str:
    """Its path. Where it is missing the test is skipped, and in CI it fails."""
    if path := PROGRAMS[name]:
        return path
    if os.environ.get("CI"):
        pytest.fail(f"needs {name}, which CI has to install")
    pytest.skip(f"needs {name}")


def replaced(site: str, changes: Mapping[str, str]) -> str:
    """Fails the test when the site no longer has one of these."""
    for old, new in changes.items():
        site, count = re.subn(re.escape(old), new, site)
        assert count == 1, f"{count} times in the site: {old}"
    return site


def make_certificate(folder: Path) -> None:
    """Of its own authority, for localhost."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(["openssl", "req", *kind, *subject, *files], check=True, capture_output=True, timeout=60)


class Proxy(Server):
    """In front of hubinfo and a router, which listen on these ports."""

    def __init__(self, folder: Path, command: list[str], port: int) -> None:
        super().__init__(command, folder, dict(os.environ), port)
        self.url = f"https://127.0.0.1:{port}"
        self.ca_file = str(folder / "fullchain.pem")


class Nginx(Proxy):
    def __init__(self, folder: Path, hubinfo: int, router: int) -> None:
        path = require("nginx")
        make_certificate(folder)
        self.http_port, port = free_port(), free_port()
        here = {
            "listen 80;": f"listen 127.0.0.1:{self.http_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "127.0.0.1:5000": f"127.0.0.1:{hubinfo}",
            "127.0.0.1:8080": f"127.0.0.1:{router}",
            "/etc/letsencrypt/live/hub.example.com/fullchain.pem": f"{folder}/fullchain.pem",
            "/etc/letsencrypt/live/hub.example.com/privkey.pem": f"{folder}/privkey.pem",
        }
        (folder / "hubinfo.conf").write_text(replaced(SITE.read_text(), here))
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        super().__init__(folder, [path, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], port)


class Envoy(Proxy):
    def __init__(self, folder: Path, hubinfo: int, router: int) -> None:
        path = require("envoy")
        make_certificate(folder)
        port = free_port()
        here = {
            "address: 0.0.0.0, port_value: 443": f"address: 127.0.0.1, port_value: {port}",
            "port_value: 5000": f"port_value: {hubinfo}",
            "port_value: 8080": f"port_value: {router}",
            "/etc/envoy/fullchain.pem": f"{folder}/fullchain.pem",
            "/etc/envoy/privkey.pem": f"{folder}/privkey.pem",
        }
        (folder / "envoy.yaml").write_text(replaced(ENVOY.read_text(), here))
        only_one = ["--use-dynamic-base-id", "--concurrency", "1"]
        super().__init__(folder, [path, "-c", str(folder / "envoy.yaml"), "--log-level", "warning", *only_one], port)
