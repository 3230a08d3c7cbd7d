"""`/api` as programs use it: every answer is held to the description."""

import base64
import re
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from hubinfo.operator.api import description
from tests.support.commands import json_of

JSON = "application/json"


def basic(password: str, user: str = "operator", encoding: str = "utf-8") -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


def template(rule: Rule) -> str:
    """The path as OpenAPI has it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


class Api:
    """Signed in with a bearer token."""

    def __init__(self, app: Flask, token: str | None = None) -> None:
        self.app = app
        self.token = token or str(json_of(app, "api-token", "tests")["token"])

    @property
    def spec(self) -> dict[str, Any]:
        return description.of(self.app)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Whatever the answer."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        response = self.app.test_client().open(path, method=method, headers=headers, **options)
        self._hold(method, path, response)
        return response

    def get(self, path: str, http_status: int = 200) -> Any:
        return self._answered("GET", path, http_status)

    def post(self, path: str, body: Any = None, http_status: int = 200) -> Any:
        return self._answered("POST", path, http_status, **({} if body is None else {"json": body}))

    def delete(self, path: str, http_status: int = 200) -> Any:
        return self._answered("DELETE", path, http_status)

    def error(self, method: str, path: str, http_status: int, **options: Any) -> str:
        """The message."""
        answer = self._answered(method, path, http_status, **options)
        assert list(answer) == ["error"]
        return str(answer["error"])

    def _answered(self, method: str, path: str, http_status: int, **options: Any) -> Any:
        response = self.send(method, path, **options)
        assert response.status_code == http_status, response.text
        return response.json if response.mimetype == JSON else response.text

    def _hold(self, method: str, path: str, response: TestResponse) -> None:
        """Fails unless the description has this operation, status, media type and shape."""
        rule = self._rule(method, path)
        if rule is None:
            assert response.status_code in (401, 404, 405, 429), response.text
            return
        said = self.spec["paths"][template(rule)][method.lower()]["responses"]
        assert str(response.status_code) in said, f"{method} {rule}: {response.status_code} is not described: {response.text}"
        described = self._resolved(said[str(response.status_code)])
        content = described.get("content", {})
        if not content:
            assert response.data == b""
            return
        assert response.mimetype in content
        assert set(described.get("headers", {})) <= set(response.headers.keys())
        if response.mimetype == JSON:
            self.validate(content[JSON]["schema"], response.json)

    def validate(self, schema: dict[str, Any], value: Any) -> None:
        """Fails unless the value has this shape."""
        Draft202012Validator({**schema, "components": self.spec["components"]}).validate(value)

    def _resolved(self, found: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in found:
            return found
        *_, kind, name = found["$ref"].split("/")
        resolved: dict[str, Any] = self.spec["components"][kind][name]
        return resolved

    def _rule(self, method: str, path: str) -> Rule | None:
        try:
            rule, _ = self.app.url_map.bind("").match(path.partition("?")[0], method=method, return_rule=True)
        except HTTPException:
            return None
        return rule if isinstance(rule, Rule) else None
