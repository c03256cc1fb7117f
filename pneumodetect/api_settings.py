"""The API: who may call it, how often, and how it is described."""

import datetime

from pneumodetect.account_settings import ALLAUTH_TRUSTED_PROXY_COUNT
from pneumodetect.environment import origins, positive

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "diagnosis.api.access.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "diagnosis.api.access.WithinScope",
        "diagnosis.api.access.WithSecondFactor",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["diagnosis.api.throttles.ScopeThrottle"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "diagnosis.api.problems.exception_handler",
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "diagnosis.ApiToken"  # noqa: S105  # the name of a model
# The prefix tells programs that look for secrets in code that this is one.
REST_KNOX = {"TOKEN_TTL": datetime.timedelta(days=90), "TOKEN_PREFIX": "pneumo_"}
# Calls a minute: of each user, and of each address that asks for a token.
API_RATES = {
    "upload": positive("PNEUMODETECT_UPLOADS_A_MINUTE", 6000),
    "write": positive("PNEUMODETECT_WRITES_A_MINUTE", 6000),
    "read": positive("PNEUMODETECT_READS_A_MINUTE", 12_000),
    "token": positive("PNEUMODETECT_TOKENS_A_MINUTE", 60),
}
# For so long the answer to a call with an Idempotency-Key is given again. The lease is how long the first one may take
# until it has stored something; after that, whoever made it counts as dead.
IDEMPOTENCY_KEPT = datetime.timedelta(hours=24)
IDEMPOTENCY_LEASE = datetime.timedelta(seconds=60)
# Pages of other hosts that may call the API, with a token.
CORS_ALLOWED_ORIGINS = origins("PNEUMODETECT_CORS_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "if-none-match", "prefer"]
CORS_EXPOSE_HEADERS = [
    *("Content-Disposition", "ETag", "Idempotent-Replayed", "Location", "Preference-Applied"),
    *("RateLimit", "RateLimit-Policy", "Retry-After"),
]
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "PneumoDetect",
    "VERSION": "1",
    "DESCRIPTION": "Reads chest X-rays with a neural network and says how likely pneumonia is. Not a medical device.",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVERS": [{"url": "/", "description": "This server"}],
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {"VerdictLabel": "diagnosis.models.Review.Label"},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "diagnosis.api.openapi.postprocessing.complete",
    ],
}
