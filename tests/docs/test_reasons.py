"""docs/troubleshoot.md: every reason for which a request to a peer fails is on it, and no other."""

import ast
import re
from collections.abc import Iterator

from hubinfo.ocpi import faults, verdict
from hubinfo.platforms.vault import TokenUnreadable
from tests.support.processes import SOURCES

PAGE = (SOURCES / "docs" / "troubleshoot.md").read_text()
RAISED = {"PeerError", "AddressRefused", "PagingError"}
PASSED_ON = {"str(refused)", "reason + after", "reason + said", "reason", "str(error)", "str(TokenUnreadable())"}
"""What these hold is collected where it is made."""


def called() -> Iterator[ast.expr]:
    """What each of these exceptions is given to say, wherever one is made."""
    for path in sorted((SOURCES / "hubinfo").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                yield node.args[0]


def template(said: ast.expr) -> str | None:
    """The text, with … for what differs; None: not a text, but something passed on."""
    if isinstance(said, ast.Constant):
        return str(said.value)
    if isinstance(said, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in said.values)
    return None


def reasons() -> set[str]:
    of_network = {reason for _, reason in faults._REASONS} | set(faults._TLS_REASONS.values()) | {faults.reason_of(Exception())}
    of_answers = {verdict.in_words(None, 418, None), verdict.in_words(None, 418, {"status_code": 2000})}
    given = {text for text in map(template, called()) if text is not None}
    return of_network | {re.sub(r"\d+", "…", text) for text in of_answers} | given | {str(TokenUnreadable())}


def explained() -> dict[str, tuple[str, str]]:
    """The rows of the tables with three columns: what it says, what it means, what to do."""
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    found = {says: (means, do) for says, means, do in rows}
    assert len(found) == len(rows)
    return found


def test_what_is_not_a_text_comes_from_where_texts_are_collected() -> None:
    assert {ast.unparse(said) for said in called() if template(said) is None} <= PASSED_ON


def test_every_reason_is_explained() -> None:
    assert len(reasons()) > 20
    assert reasons() - set(explained()) == set()


def test_nothing_is_explained_that_nobody_says() -> None:
    codes = {reason for reason in explained() if re.fullmatch(r"HTTP \d{3}|HTTP 200, OCPI \d{4}", reason)}
    assert set(explained()) - reasons() - codes == set()


def test_each_says_what_it_means_and_what_to_do() -> None:
    for reason, texts in explained().items():
        assert min(map(len, texts)) > len("as above"), reason
