"""What Envoy alone has of deploy/: HTTP/2."""

import subprocess
from pathlib import Path

from tests.support.fronts import PATH, TOKEN, front_of
from tests.support.proxies import Envoy


def test_a_caller_may_speak_http_2(tmp_path: Path) -> None:
    with front_of(Envoy, tmp_path) as front:
        asks = ["curl", "-sS", "--http2", "--cacert", front.proxy.ca_file, "-H", f"Authorization: Token {TOKEN}"]
        form = ["-o", str(tmp_path / "answer"), "-w", "%{http_version} %{http_code}"]
        url = front.proxy.url + PATH
        said = subprocess.run([*asks, *form, url], check=True, capture_output=True, text=True, timeout=60).stdout
        assert said == "2 200"
        [request] = front.router.received
        names = {name.lower(): value for name, value in request.headers.items()}
        assert (request.path, names["x-hubinfo-party-id"]) == (PATH, "TNM")
