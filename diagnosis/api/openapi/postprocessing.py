"""What all calls have in common is added to the schema here: problems, headers, examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from diagnosis.api.openapi.examples import API, EXAMPLES, values_of

Schema = dict[str, Any]

PROBLEM_TYPE = "application/problem+json"
METHODS = ("get", "post", "put", "patch", "delete")
PROBLEMS = {
    400: "The request could not be understood; `errors` names the bad fields.",
    401: "No token, or none that is valid.",
    403: "The token or the session may not do that.",
    404: "There is nothing at this address, or it is not yours to see.",
    406: "None of the kinds of answer that are asked for is offered.",
    409: "Not now; `Retry-After`, where it is given, says when.",
    410: "It was removed by a retention rule; or what was stored under this `Idempotency-Key` has been deleted.",
    413: "Larger than what is taken.",
    415: "Of a kind that is not taken.",
    422: "The `Idempotency-Key` was used for another request.",
    429: "Too many calls of this kind in a minute.",
}
TEXT = {"type": "string"}
HEADERS = {
    "RateLimit": {"schema": TEXT, "description": "What is left: calls (`r`), for so many seconds more (`t`)."},
    "RateLimit-Policy": {"schema": TEXT, "description": "Calls (`q`) in so many seconds (`w`)."},
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds after which to try again."},
    "ETag": {"schema": TEXT, "description": "To be sent as `If-None-Match`."},
    "Idempotent-Replayed": {"schema": TEXT, "description": "`true` where it is the answer to an earlier request."},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "schema": TEXT,
    "description": "The `ETag` of an earlier answer; 304 where it has not changed.",
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "A new UUID for each new request: sent again with the same key, within 24 hours, a request is "
    "answered as at first, and carried out once.",
}
PAGE = [
    {"name": "cursor", "in": "query", "schema": TEXT, "description": "From `next` or `previous`."},
    {
        "name": "page_size",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "default": 50},
        "description": "At most 200.",
    },
]


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """The hook that drf-spectacular calls with the whole schema."""
    schemas = result["components"]["schemas"]
    schemas["Problem"] = _problem()
    result["components"]["responses"] = {f"Problem{status}": _problem_response(status) for status in PROBLEMS}
    result["components"]["responses"]["Problem"] = _problem_response(None)
    result["components"]["headers"] = HEADERS
    for name, schema in schemas.items():
        _mend(schema)
        if not name.endswith("Request") and name != "Problem" and "properties" in schema:
            schema["required"] = list(schema["properties"])  # an answer always has all of its fields
    for path, method, call in operations(result):
        _complete_call(path, method, call)
    return result


def operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _complete_call(path: str, method: str, call: Schema) -> None:
    parameters = call.setdefault("parameters", [])
    is_list = "Paginated" in str(call["responses"])
    if is_list:
        parameters[:] = [each for each in parameters if each["name"] not in ("cursor", "page_size")] + PAGE
    if method == "get" and "application/json" in call["responses"]["200"].get("content", {}):
        parameters.append(IF_NONE_MATCH)
        call["responses"]["304"] = {"description": "It is as it was."}
    if method == "post" and "auth" not in call["tags"]:
        parameters.append(IDEMPOTENCY_KEY)
        if "200" in call["responses"]:
            call["responses"]["201"] = call["responses"].pop("200")
    values = values_of(_below_api(path))
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["example"] = values[parameter["name"]]
    _add_headers_and_examples(method, call)
    for status in sorted(_problems_of(path, method, call)):
        call["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    call["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    call["description"] = f"{call.get('description', '')}\n\n```sh\n{_curl(path, method, call)}\n```".strip()


def _problems_of(path: str, method: str, call: Schema) -> set[int]:
    found = {406, 429}
    if call.get("security"):
        found |= {401, 403}
    if call["parameters"] or "requestBody" in call:
        found |= {400}
    if "{" in path or "Paginated" in str(call["responses"]):
        found |= {404}
    if "requestBody" in call:
        found |= {413, 415}
    if IDEMPOTENCY_KEY in call["parameters"]:
        found |= {409, 410, 422}
    if path.endswith(("/image/", "/heatmap/", "/report/")):
        found |= {410}
    return found | ({409} if path.endswith("/image/") else set())


def _add_headers_and_examples(method: str, call: Schema) -> None:
    for status, response in call["responses"].items():
        names = ["RateLimit", "RateLimit-Policy"]
        names += ["ETag"] if method == "get" and "application/json" in response.get("content", {}) else []
        names += ["Idempotent-Replayed"] if method == "post" and status in ("201", "202") else []
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["description"] = response.get("description") or HTTPStatus(int(status)).phrase
        _add_examples(response.get("content", {}))
    _add_examples(call.get("requestBody", {}).get("content", {}))


def _add_examples(content: Schema) -> None:
    for media in content.values():
        schema = media.get("schema", {})
        names = [each["$ref"].rpartition("/")[2] for each in schema.get("oneOf", [schema]) if "$ref" in each]
        examples = {name: {"value": example_of(name)} for name in _unfolded(names) if example_of(name) is not None}
        if examples:
            media["examples"] = examples


def _unfolded(names: list[str]) -> list[str]:
    return ["Radiograph", "Batch"] if names == ["Uploaded"] else names


def example_of(name: str) -> Any:
    """Return the example of a component; of a page, one that holds it."""
    if name.startswith("Paginated"):
        one = EXAMPLES.get(name.removeprefix("Paginated").removesuffix("List"))
        return one and {"next": None, "previous": None, "results": [one]}
    return EXAMPLES.get(name)


def _problem() -> Schema:
    fields = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "errors": {"type": "object"}}
    return {
        "type": "object",
        "description": "What is wrong, and what would be right (RFC 9457).",
        "properties": fields,
        "required": ["type", "title", "status", "detail"],
    }


def _problem_response(status: int | None) -> Schema:
    title = HTTPStatus(status).phrase if status else "Internal Server Error"
    detail = PROBLEMS[status].replace("`", "") if status else "Something went wrong here. Try again later."
    example = {"type": "about:blank", "title": title, "status": status or 500, "detail": detail}
    media = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    headers = ["Retry-After"] if status in (409, 429) else []
    return {
        "description": PROBLEMS[status] if status else "Any other error.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {PROBLEM_TYPE: media},
    }


def _curl(path: str, method: str, call: Schema) -> str:
    """Return what calls it from a shell, with the parts of the address of the examples."""
    address = f"{API}/{_below_api(path)}".format_map(values_of(_below_api(path)))
    words = ["curl"]
    words += [f"-X {method.upper()}"] if method != ("post" if "requestBody" in call else "get") else []
    words += ['-H "Authorization: Token $TOKEN"'] if call.get("security") else []
    body = call.get("requestBody", {}).get("content", {})
    if "application/json" in body:
        example = next(iter(body["application/json"].get("examples", {"": {"value": {}}}).values()))["value"]
        words += [f"--json '{json.dumps(example)}'"]
    elif body:
        words += ["-F file=@chest.dcm"]
    words += ["-O"] if "binary" in str(call["responses"].get("200", "")) else []
    return " ".join([*words, address])


def _below_api(path: str) -> str:
    return path.removeprefix("/api/v1/")


def _mend(schema: Any) -> None:
    """Write ``nullable`` as OpenAPI 3.1 has it, where drf-spectacular has left it as 3.0 had it."""
    if isinstance(schema, list):
        for each in schema:
            _mend(each)
    if not isinstance(schema, dict):
        return
    if schema.pop("nullable", False):
        schema["type"] = [schema["type"], "null"]
        schema.pop("example", None)
    for each in schema.values():
        _mend(each)
