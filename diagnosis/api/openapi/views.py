"""The schema, and the page that reads it. Neither needs another host, or an account."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

#: Written by ``manage.py spectacular --file``; tests/diagnosis/test_openapi.py finds it out of date.
SCHEMA_FILE = Path(__file__).parent / "openapi.yaml"
#: Swagger UI shows symbols that lie in its style sheet.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def schema_as(kind: str) -> bytes:
    text = SCHEMA_FILE.read_bytes()
    return text if kind == "yaml" else json.dumps(yaml.safe_load(text), default=str).encode()


class SchemaRenderer(BaseRenderer):
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return schema_as(self.format)


class YamlRenderer(SchemaRenderer):
    media_type, format = "application/yaml", "yaml"


class JsonRenderer(SchemaRenderer):
    media_type, format = "application/json", "json"


class OpenApiJsonRenderer(SchemaRenderer):
    media_type, format = "application/vnd.oai.openapi+json", "json"


@extend_schema(exclude=True)
class SchemaView(APIView):
    """GET the schema, as YAML or JSON."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (YamlRenderer, JsonRenderer, OpenApiJsonRenderer)

    def get(self, request: Request) -> Response:
        return Response({})


@require_safe
@ensure_csrf_cookie
def docs(request: HttpRequest) -> HttpResponse:
    """The page of Swagger UI. Whoever is logged in can try the calls there."""
    page = render(request, "api/docs.html")
    page.headers["Content-Security-Policy"] = DOCS_POLICY
    return page
