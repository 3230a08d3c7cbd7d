"""Registering that fails before anybody is asked or for what we ask: one line, exit 1, and nothing stored."""

import pytest
from flask import Flask

from tests.support.commands import error_of
from tests.support.field import FieldPlatform
from tests.support.instances import Instance, Instances
from tests.support.peers import Handler
from tests.support.registering import refused, refused_by


@pytest.mark.parametrize("length", [256, 300, 5000])
def test_a_versions_url_longer_than_the_column_is_refused_with_the_limit(party: Instance, length: int) -> None:
    url = "http://127.0.0.1:9/".ljust(length, "x")
    said = error_of(party.app, "register", url, "token-a")
    assert f"must have at most 255 characters, not {length}" in said


def test_a_host_that_does_not_exist(party: Instance) -> None:
    assert "https://hub.invalid/ocpi/versions failed: " in refused(party.app, "https://hub.invalid/ocpi/versions", "a")


def test_no_version_in_common(instances: Instances, hub: FieldPlatform) -> None:
    hub.versions = ["2.1.1", "2.2"]
    said = refused_by(hub, instances.make("NL-TNM", "CPO", "2.2.1,2.3.0"))
    assert said.startswith(f"{hub.versions_url} offers 2.1.1, 2.2, not one of 2.2.1, 2.3.0 which is needed")


def test_a_version_that_the_hub_does_not_offer(party: Instance, hub: FieldPlatform) -> None:
    with party.app.app_context():  # as `flask` does, before it reads the arguments
        said = refused(party.app, hub.versions_url, hub.token_a, "--version", "2.3.0")
    assert said.startswith(f"{hub.versions_url} offers 2.2.1, not 2.3.0 which is needed")


@pytest.mark.parametrize("version", ["2.1.1", "2.2", "two"])
def test_a_version_that_we_do_not_offer_is_wrong_usage(instances: Instances, hub: FieldPlatform, version: str) -> None:
    party = instances.make("NL-TNM", "CPO", "2.2.1,2.3.0")
    with party.app.app_context():  # as `flask` does, before it reads the arguments
        said = error_of(party.app, "register", hub.versions_url, hub.token_a, "--version", version, exit_code=2)
    assert f"{version!r}: must be one of 2.2.1, 2.3.0" in said
    assert hub.received == []


def test_token_a_is_missing(party: Instance, hub: FieldPlatform) -> None:
    said = refused(party.app, hub.versions_url)
    assert said == f"not registered at {hub.versions_url} yet, so TOKEN_A is needed; whoever runs it has to give it to you"
    assert hub.received == []


@pytest.mark.parametrize("token", ["two words", "t\u00f6ken", "", "x" * 65, "line\nbreak"])
def test_token_a_cannot_be_a_token(app: Flask, hub: FieldPlatform, token: str) -> None:
    said = refused(app, hub.versions_url, token)
    assert said.startswith("TOKEN_A: must be ")
    assert not token or token not in said
    assert hub.received == []


@pytest.mark.parametrize("url", ["hub.test/versions", "ftp://hub.test/versions", "http://", "http://user@hub.test/", "x y"])
def test_what_is_no_url(app: Flask, url: str) -> None:
    assert refused(app, url, "a") == f"url={url!r}: not a URL that can be called"


@pytest.mark.parametrize("slash", ["", "/"])
def test_oneself(party: Instance, slash: str) -> None:
    assert refused(party.app, party.versions_url + slash, "a") == f"{party.versions_url}{slash} is this platform itself"


def test_a_private_network_that_is_not_allowed(instances: Instances, hub: FieldPlatform) -> None:
    careful = instances.make("NL-TNM", "CPO", allow_private_networks=False)
    assert "address 127.0.0.1 is in a private network, which is not allowed here" in refused_by(hub, careful)
    assert hub.received == []


def test_http_that_is_not_allowed(instances: Instances, hub: FieldPlatform) -> None:
    careful = instances.make("NL-TNM", "CPO", allow_http=False)
    assert "http:// is not allowed here, only https://" in refused_by(hub, careful)
    assert hub.received == []


def test_a_hub_that_sends_us_where_we_must_not_go(party: Instance, hub: FieldPlatform) -> None:
    def lead_astray(handler: Handler) -> None:
        hub.say(handler, [{"version": "2.2.1", "url": "http://169.254.169.254/latest/meta-data"}])

    hub.behave("GET", "/ocpi/versions", lead_astray)
    assert "address 169.254.169.254 is never called" in refused_by(hub, party)
