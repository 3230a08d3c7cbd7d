"""What Envoy alone has of deploy/: its own word for what it cannot ask."""

from pathlib import Path

from tests.fronts import PATH, TOKEN, front_of
from tests.proxies import Envoy


def test_nobody_passes_while_hubinfo_cannot_be_asked(tmp_path: Path) -> None:
    with front_of(Envoy, tmp_path) as front:
        front.hubinfo.kill()
        assert front.get(PATH, TOKEN).status_code == 503
        assert front.router.received == []
