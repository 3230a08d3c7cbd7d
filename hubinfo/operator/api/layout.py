"""The description laid out for reading: groups of operations, then the objects they speak of."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

_LIMITS = {"maxLength": "at most {} characters", "maxItems": "at most {}"}
_RANGES = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}"}
Spec = Mapping[str, Any]


def of(spec: Spec) -> dict[str, Any]:
    """What the template shows."""
    operations = list(_operations(spec))
    groups = [{**tag, "operations": [item for item in operations if item["tag"] == tag["name"]]} for tag in spec["tags"]]
    objects = [{"name": name, **_object(schema)} for name, schema in sorted(spec["components"]["schemas"].items())]
    about = [_with_code(line) for line in spec["info"]["description"].splitlines()]
    return {"info": spec["info"], "about": about, "groups": groups, "objects": objects}


def _with_code(line: str) -> Markup:
    """Text in backticks is code."""
    parts = line.split("`")
    return Markup().join(Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts))


def _operations(spec: Spec) -> Iterator[dict[str, Any]]:
    for path, methods in sorted(spec["paths"].items()):
        for method, operation in methods.items():
            answers = [_answer(spec, status, said) for status, said in operation["responses"].items()]
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "tag": operation["tags"][0],
                "parameters": [_parameter(item) for item in operation.get("parameters", [])],
                "body": _body_of(spec, operation),
                "answers": [item for item in answers if item["status"] < "400"],
                "errors": [item for item in answers if item["status"] >= "400"],
                "curl": _curl(spec, path, method, operation),
            }


def _parameter(parameter: Spec) -> dict[str, Any]:
    schema = parameter["schema"]
    return {
        "name": parameter["name"],
        "where": parameter["in"],
        "required": parameter.get("required", False),
        "words": words(schema),
        "description": parameter.get("description") or schema.get("description", ""),
    }


def _body_of(spec: Spec, operation: Spec) -> dict[str, Any] | None:
    if "requestBody" not in operation:
        return None
    schema = _resolved(spec, operation["requestBody"]["content"]["application/json"]["schema"])
    is_list = schema.get("type") == "array"
    described = _object(_resolved(spec, schema["items"]) if is_list else schema)
    return {"required": operation["requestBody"]["required"], "is_list": is_list, **described}


def _answer(spec: Spec, status: str, answer: Spec) -> dict[str, Any]:
    said = _resolved(spec, answer)
    content = [(media_type, words(inner["schema"])) for media_type, inner in said.get("content", {}).items()]
    return {"status": status, "description": said["description"], "content": content, "headers": said.get("headers", {})}


def _object(schema: Spec) -> dict[str, Any]:
    required = schema.get("required", ())
    members = [
        {"name": name, "words": words(inner), "required": name in required, "description": inner.get("description", "")}
        for name, inner in schema.get("properties", {}).items()
    ]
    return {"description": schema.get("description", ""), "members": members}


def words(schema: Spec) -> Markup:
    """What a value may be, in words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return Markup('<a href="#{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(words(inner) for inner in schema["anyOf"])
    if "enum" in schema:
        return escape("one of " + ", ".join("null" if value is None else str(value) for value in schema["enum"]))
    types = schema.get("type", "any")
    if types == "array":
        return Markup("list of ") + words(schema["items"])
    said = types if isinstance(types, str) else " or ".join(types)
    limits = [_LIMITS[name].format(schema[name]) for name in _LIMITS if name in schema]
    ranges = " ".join(_RANGES[name].format(schema[name]) for name in _RANGES if name in schema)
    return escape(", ".join(part for part in (said, ranges, *limits) if part))


def _curl(spec: Spec, path: str, method: str, operation: Spec) -> str:
    """A request that can be copied: with the examples there are, and what is required."""
    for parameter in operation.get("parameters", []):
        path = path.replace(f"{{{parameter['name']}}}", str(_example(spec, parameter["schema"])))
    shown = [item for item in operation.get("parameters", []) if item["in"] == "query" and item.get("required")]
    query = urlencode({item["name"]: _example(spec, item["schema"]) for item in shown})
    parts = ["curl"] if method == "get" else [f"curl -X {method.upper()}"]
    if security := operation.get("security", spec["security"]):
        parts.append(f"-H 'Authorization: {'Token' if 'token' in security[0] else 'Bearer'} $TOKEN'".replace("'", '"'))
    if body := operation.get("requestBody"):
        example = _example(spec, body["content"]["application/json"]["schema"])
        parts.append(f"--json '{json.dumps(example)}'")
    return " ".join([*parts, f"'{spec['servers'][0]['url']}{path}{'?' if query else ''}{query}'"])


def _example(spec: Spec, schema: Spec) -> Any:
    schema = _resolved(spec, schema)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _example(spec, inner) for name, inner in schema.get("properties", {}).items() if _is_shown(name, schema)}
        case "array":
            return [_example(spec, schema["items"])]
        case _:
            return "…"


def _is_shown(name: str, schema: Spec) -> bool:
    return name in schema.get("required", ())


def _resolved(spec: Spec, found: Spec) -> Spec:
    while "$ref" in found:
        *_, kind, name = found["$ref"].split("/")
        found = spec["components"][kind][name]
    return found
