"""Every setting, driven by the environment; nonsense is refused at start with a hint."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress
import os
import re
import zoneinfo
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from pneumodetect import error_reports

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def _whole(name: str, default: int, least: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be a whole number of {least} or more, such as {default}."
        )
    return int(text)


def _positive(name: str, default: int) -> int:
    return _whole(name, default, least=1)


def _flag(name: str) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text not in ("", "0", "1", "true", "false", "on", "off", "yes", "no"):
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be 1 (on) or 0 (off).")
    return text in ("1", "true", "on", "yes")


def _is_training_offered() -> bool:
    name = os.environ.get("PNEUMODETECT_TRAINING_DATA_DIR")
    if name and not Path(name).is_dir():
        raise ImproperlyConfigured(
            f"PNEUMODETECT_TRAINING_DATA_DIR is {name!r}; it must be a folder below which the training data lies, "
            "or unset, and then no training can be started from the admin pages."
        )
    return bool(name)


def _private_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    name = "PNEUMODETECT_WEBHOOKS_ALLOW_PRIVATE"
    text = os.environ.get(name, "").strip()
    if text.lower() in ("", "0", "false", "off", "no"):
        return []
    if text.lower() in ("1", "true", "on", "yes"):
        text = "0.0.0.0/0,::/0"
    try:
        return [ipaddress.ip_network(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be networks with commas, such as 10.20.0.0/16,127.0.0.1/32, or 1 for all."
        ) from error


def _public_url() -> str:
    url = os.environ.get("PNEUMODETECT_URL") or (
        f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
        if IS_PUBLIC
        else f"http://127.0.0.1:{os.environ.get('PNEUMODETECT_PORT') or 8000}"
    )
    if not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"PNEUMODETECT_URL is {url!r}; it must look like https://pneumodetect.example.org.")
    return url.rstrip("/")


def _origins(name: str) -> list[str]:
    """Return the origins that a variable names, as browsers write them."""
    origins = [origin.strip() for origin in os.environ.get(name, "").split(",") if origin.strip()]
    for origin in origins:
        if not re.fullmatch(r"https?://[^/?#@\s]+", origin):
            raise ImproperlyConfigured(
                f"{name} holds {origin!r}; it must be origins without a path, with commas between them, such as "
                "https://reading.example.org,https://example.org:8443."
            )
    return origins


def _time_zone() -> str:
    name = os.environ.get("TZ") or "UTC"
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise ImproperlyConfigured(f"TZ is {name!r}; it must name a time zone, such as Europe/Berlin.") from error
    return name


# Where everything lies that is written at run time. It holds patients' images: for the owner alone.
os.umask(0o077)
DATA_DIR = Path(os.environ.get("PNEUMODETECT_DATA_DIR") or BASE_DIR / "var").absolute()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.environ.get("PNEUMODETECT_DATA_DIR"):  # whoever named a folder chose who may read it
        DATA_DIR.chmod(0o700)
except OSError as error:
    raise ImproperlyConfigured(
        f"PNEUMODETECT_DATA_DIR is {str(DATA_DIR)!r}, which cannot be made: {error.strerror}. "
        "Name a folder that you may write to."
    ) from error

DEBUG = _flag("DEBUG")
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [
    host.strip() for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host.strip()
] or LOCAL_HOSTS
IS_PUBLIC = bool(set(ALLOWED_HOSTS) - set(LOCAL_HOSTS))
# Where users reach the platform: for mails and webhooks, which are written where there is no request.
PUBLIC_URL = _public_url()
# Webhooks reach public addresses alone, but for these.
WEBHOOK_PRIVATE_NETWORKS = _private_networks()


def _secret_key() -> str:
    """Return SECRET_KEY, or on a machine that serves only itself the key made at the first run."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    if IS_PUBLIC:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS names hosts beside localhost, so SECRET_KEY must be set too: a long random text that "
            'stays the same, such as the output of: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    path = DATA_DIR / "secret_key"
    if not path.exists():
        # Linked into place, so that of several processes that start at once only the first one's key counts.
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(get_random_secret_key())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = os.environ.get("SECRET_KEY_FALLBACKS", "").split()

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "diagnosis",
]
if importlib.util.find_spec("training"):  # may be absent where only serving is wanted
    INSTALLED_APPS.append("training")

MIDDLEWARE = [
    "diagnosis.tracing.request_id",
    "diagnosis.metrics.requests.measure",
    "django.middleware.security.SecurityMiddleware",
    "pneumodetect.content_security.content_security",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "diagnosis.people.language.language_of_profile",
    "allauth.account.middleware.AccountMiddleware",
    "diagnosis.people.sessions.note_sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "diagnosis.pages.account.second_factor.staff_need_second_factor",
    "diagnosis.api.throttles.rate_limit_headers",
    "diagnosis.api.conditional.conditional_get",
]
if CORS_ALLOWED_ORIGINS := _origins("PNEUMODETECT_CORS_ORIGINS"):
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

ROOT_URLCONF = "pneumodetect.urls"
WSGI_APPLICATION = "pneumodetect.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["django.templatetags.i18n"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. The rows are the jobs, so an accepted upload must survive a power cut: synchronous=FULL.
DATABASE_URL = os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
if not DATABASE_URL.startswith(("sqlite:///", "postgres://", "postgresql://")):
    raise ImproperlyConfigured("DATABASE_URL must look like postgres://user:password@host:5432/name.")
try:
    DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
except ValueError:  # its words may hold a part of the password
    raise ImproperlyConfigured(
        "DATABASE_URL must look like postgres://user:password@host:5432/name, with a number as the port; "
        "in the password, / is written %2F, and @ %40."
    ) from None
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 3)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _redis_of_make_run() -> str | None:
    """Return the address of the Redis that ``make run`` keeps, for commands given beside it."""
    try:
        text = (DATA_DIR / "redis" / "redis.conf").read_text()
        port, password = (re.search(rf"^{name} (\S+)$", text, re.MULTILINE) for name in ("port", "requirepass"))
    except OSError:
        return None
    return f"redis://:{password[1]}@127.0.0.1:{port[1]}/0" if port and password else None


# Redis: the doorbell of the queue, and what the workers say of themselves.
REDIS_URL = os.environ.get("REDIS_URL") or _redis_of_make_run() or "redis://127.0.0.1:6379/0"
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must look like redis://host:6379/0.")
CACHES = {
    # allauth counts failed logins here, and takes a cache that is away for a login tried too often: hence no Redis.
    # Each web process counts by itself, and anew after a restart: with N of them, N times as many tries are let
    # through. make run starts one. Where there are more, name a cache that they share and that is never away.
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # more, and old counts are dropped
    },
    "redis": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            # A page must not fail because Redis is away.
            "IGNORE_EXCEPTIONS": True,
        },
    },
}

if os.environ.get("PNEUMODETECT_STORAGE_URL"):
    raise ImproperlyConfigured(
        "PNEUMODETECT_STORAGE_URL is not supported yet. Unset it; uploads are stored in PNEUMODETECT_DATA_DIR."
    )
# Files. All of an upload is written to disk as it comes, beside the place where it will stay.
MEDIA_ROOT = DATA_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
FILE_UPLOAD_HANDLERS = ["diagnosis.uploads.RadiographUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o640
# One file; and what is taken at once, in one form or one zip (unpacked).
MAX_UPLOAD_BYTES = _positive("PNEUMODETECT_MAX_UPLOAD_MB", 25) * 1024**2
MAX_BATCH_BYTES = max(MAX_UPLOAD_BYTES, _positive("PNEUMODETECT_MAX_BATCH_MB", 500) * 1024**2)
MAX_BATCH_FILES = _positive("PNEUMODETECT_MAX_BATCH_FILES", 500)
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_BATCH_FILES + 1  # the upload handler refuses first, with its own sentence
DATA_UPLOAD_MAX_NUMBER_FIELDS = MAX_BATCH_FILES + 1000  # the page asks for the states of all its uploads at once
# With less room than this on the disk, every page says that it is nearly full.
DISK_LOW_BYTES = _positive("PNEUMODETECT_DISK_LOW_MB", 1024) * 1024**2
STORAGES = {
    "default": {"BACKEND": "diagnosis.uploads.DurableStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]

# Published networks.
MODELS_DIR = DATA_DIR / "models"

# Classification. The limits depend on one another: see diagnosis/models.py on leases.
CLASSIFY_SOFT_LIMIT = 8
CLASSIFY_HARD_LIMIT = CLASSIFY_SOFT_LIMIT + 2
LEASE = datetime.timedelta(seconds=CLASSIFY_HARD_LIMIT + 5)
MAX_ATTEMPTS = 3
SWEEP_EVERY = 4.0
WORKER_MEMORY_BYTES = 768 * 1024**2

# Training, by workers of their own: celery -A pneumodetect worker -Q training. A lease is renewed every two seconds.
TRAINING_DATA_DIR = Path(os.environ["PNEUMODETECT_TRAINING_DATA_DIR"]) if _is_training_offered() else None
TRAINING_LEASE = datetime.timedelta(seconds=30)
TRAINING_QUEUE = "training"

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 4 * LEASE.total_seconds(),
    "socket_connect_timeout": 1,
    "socket_timeout": 3,  # longer than the one second for which a worker's BRPOP waits
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
}
CELERY_TASK_ROUTES = {"training.*": {"queue": TRAINING_QUEUE}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = CLASSIFY_SOFT_LIMIT
CELERY_TASK_TIME_LIMIT = CLASSIFY_HARD_LIMIT
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the claim makes a second run harmless
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_DIRECT = True  # lets each worker ring itself, to notice that it has gone deaf

# Accounts.
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "diagnosis:upload"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "diagnosis.people.adapter.AccountAdapter"
# Failed logins are counted by address. Behind a proxy that is the last one of X-Forwarded-For: the proxy must set it.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if IS_PUBLIC else 0
SIGNUP_OPEN = _flag("PNEUMODETECT_SIGNUP")
ACCOUNT_EMAIL_NOTIFICATIONS = True
# The second factor. Addresses are made by administrators, and no mail may ever reach them: nobody has to verify one.
STAFF_NEED_SECOND_FACTOR = _flag("PNEUMODETECT_REQUIRE_2FA")
MFA_ADAPTER = "diagnosis.people.two_factor.MFAAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "PneumoDetect"
MFA_TOTP_TOLERANCE = 1  # clocks differ
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "diagnosis.people.codes.AuthenticateForm",
    "reauthenticate": "diagnosis.people.codes.ReauthenticateForm",
    "activate_totp": "diagnosis.people.codes.ActivateTOTPForm",
}
EMAIL_CONFIG = environ.Env.email_url_config(os.environ.get("EMAIL_URL") or "consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or "PneumoDetect <pneumodetect@localhost>"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_PUBLIC
# Behind a proxy with TLS. Whoever asks without it is sent there, but for the programs that watch over this one.
SECURE_SSL_REDIRECT = IS_PUBLIC
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = _whole("PNEUMODETECT_HSTS_SECONDS", 3600, least=0) if IS_PUBLIC else 0
# Subdomains, and the list that browsers come with, are for whoever owns the domain to decide on.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_PUBLIC else None
CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if IS_PUBLIC and host != "*"]
CSRF_FAILURE_VIEW = "diagnosis.pages.errors.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# API.
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
    "upload": _positive("PNEUMODETECT_UPLOADS_A_MINUTE", 6000),
    "write": _positive("PNEUMODETECT_WRITES_A_MINUTE", 6000),
    "read": _positive("PNEUMODETECT_READS_A_MINUTE", 12_000),
    "token": _positive("PNEUMODETECT_TOKENS_A_MINUTE", 60),
}
# For so long the answer to a call with an Idempotency-Key is given again. The lease is how long the first one may take
# until it has stored something; after that, whoever made it counts as dead.
IDEMPOTENCY_KEPT = datetime.timedelta(hours=24)
IDEMPOTENCY_LEASE = datetime.timedelta(seconds=60)
# Pages of other hosts that may call the API, with a token; CORS_ALLOWED_ORIGINS is above.
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

# Language and time. A choice in the footer, kept in a cookie, comes first, then the profile's, then the browser's.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "diagnosis" / "locale"]  # one catalog for all rooms and templates
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_PUBLIC
FORMAT_MODULE_PATH = ["diagnosis.formats"]
TIME_ZONE = _time_zone()
USE_TZ = True

# What is told of the running program.
METRICS_TOKEN = os.environ.get("PNEUMODETECT_METRICS_TOKEN", "")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("PNEUMODETECT_METRICS_TOKEN must have 16 characters or more, hard to guess.")
LOG_FORMAT = os.environ.get("PNEUMODETECT_LOG_FORMAT") or "line"
if LOG_FORMAT not in ("line", "json"):
    raise ImproperlyConfigured(f"PNEUMODETECT_LOG_FORMAT is {LOG_FORMAT!r}; it must be line or json.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "diagnosis.logs.LineFormatter"},
        "json": {"()": "diagnosis.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # A worker rings itself every few seconds; what it does for users, diagnosis.classification logs.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # An upload over the limit is a user's mistake, answered with a sentence: no error, and no stack trace.
        "django.security.RequestDataTooBig": {"level": "CRITICAL"},
    },
}
error_reports.start(os.environ.get("SENTRY_DSN", ""))
