"""The Token header in all the forms met in the field (OCPI 2.2.1 transport, Authorization header)."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubinfo.ocpi.authorization import TokenForm, header, is_token, presented
from tests.support.live import Hub

TOKEN = "ebf3b399-779f-4497-9b9d-ac6ad3cc44d2"
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"Token {TOKEN}", id="raw"),
        pytest.param(f"Token {encoded(TOKEN)}", id="base64"),
        pytest.param(f"Token {encoded(TOKEN).rstrip('=')}", id="base64-without-padding"),
        pytest.param(f"Token {encoded(TOKEN + chr(10))}", id="base64-with-newline-as-in-the-sample"),
        pytest.param(f"Token {encoded(TOKEN + chr(13) + chr(10))}", id="base64-with-cr-and-newline"),
        pytest.param(f"token {TOKEN}", id="scheme-in-lower-case"),
        pytest.param(f"Token   {encoded(TOKEN)}", id="several-blanks"),
        pytest.param(f"  Token {encoded(TOKEN)}\t ", id="blanks-around"),
    ],
)
def test_each_form_of_the_field_means_the_token(value: str) -> None:
    assert TOKEN in presented(value)


BAD_HEADERS = [
    pytest.param("", id="empty"),
    pytest.param("Token", id="scheme-alone"),
    pytest.param("Token ", id="scheme-and-blank"),
    pytest.param("{token}", id="no-scheme"),
    pytest.param("Bearer {token}", id="wrong-scheme"),
    pytest.param("Basic {encoded}", id="basic"),
    pytest.param("Token{token}", id="no-blank"),
    pytest.param("Token Token {token}", id="doubled-scheme"),
    pytest.param("Token {token} {token}", id="doubled-token"),
    pytest.param("Token {token},Token {token}", id="doubled-header"),
    pytest.param("Token {token},{token}", id="list"),
    pytest.param('Token "{token}"', id="quoted"),
    pytest.param("Token {token}é", id="latin-1"),
    pytest.param("Token \xff\xfe", id="binary"),
    pytest.param("Token {token}\x7f", id="control-character"),
    pytest.param("Token {twice}", id="base64-twice"),
    pytest.param("Token ====", id="padding-alone"),
    pytest.param("Token //79", id="base64-of-binary"),
    pytest.param("Token w6nDqQ==", id="base64-of-utf-8"),
    pytest.param("Token {huge}", id="huge"),
    pytest.param("Token unknown", id="unknown"),
    pytest.param("Token {token}x", id="one-character-more"),
    pytest.param("Token a b", id="two-words"),
    pytest.param("Token tökén", id="no-ascii"),
    pytest.param("Basic {token}", id="basic-raw"),
    pytest.param("Token " + "x" * 10_000, id="huge-and-unknown"),
]


def sent_with(value: str, token: str) -> str:
    code = encoded(token)
    return value.format(token=token, encoded=code, twice=encoded(code), huge=token * 1000)


@pytest.mark.parametrize("value", BAD_HEADERS)
def test_a_header_that_does_not_present_the_token(value: str) -> None:
    assert TOKEN not in presented(sent_with(value, TOKEN))


@pytest.mark.parametrize("value", ["", "Bearer {token}", "Token {token},Token {token}", "Token \xff\xfe", "Token unknown"])
def test_a_header_that_presents_no_known_token_is_401(hub: Hub, value: str) -> None:
    sent = sent_with(value, hub.invite("NL", "TNM", "CPO"))
    response = hub.call("GET", "/ocpi/versions", headers={"Authorization": sent})
    assert response.status_code == 401
    assert response.json is not None
    assert response.json["status_code"] == 2000
    assert "Authorization" in response.json["status_message"]
    assert response.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("form", ["{}", "{}\n"], ids=["base64", "base64-with-newline"])
def test_a_known_token_opens_in_every_form(hub: Hub, form: str) -> None:
    token = hub.invite("NL", "TNM", "CPO")
    assert hub.call("GET", "/ocpi/versions", token).status_code == 200
    assert hub.call("GET", "/ocpi/versions", encoded(form.format(token))).status_code == 200


@given(TOKENS, st.sampled_from(TokenForm))
@example("Token", TokenForm.RAW)
def test_what_we_send_is_what_we_would_understand(token: str, form: TokenForm) -> None:
    assert token in presented(header(token, form))


@given(st.one_of(st.text(), st.text().map(lambda text: f"Token {text}"), st.binary().map(lambda data: f"Token {data!r}")))
def test_whatever_comes_yields_only_possible_tokens(value: str) -> None:
    assert all(is_token(token) for token in presented(value))


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        pytest.param("x", True, id="one-character"),
        pytest.param("!" + "~" * 63, True, id="64-characters-0x21-to-0x7e"),
        pytest.param("", False, id="empty"),
        pytest.param("x" * 65, False, id="65-characters"),
        pytest.param("a b", False, id="blank"),
        pytest.param("abc\n", False, id="newline"),
        pytest.param("é", False, id="non-ascii"),
        pytest.param("\x7f", False, id="delete"),
    ],
)
def test_a_token_is_1_to_64_printable_ascii_characters(text: str, possible: bool) -> None:
    assert is_token(text) is possible
