"""Every setting. What the environment says is read in ``environment``; accounts and API have modules of their own."""

import datetime
import importlib.util
import os
import re
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from pneumodetect import error_reports
from pneumodetect.account_settings import *  # noqa: F403
from pneumodetect.api_settings import *  # noqa: F403
from pneumodetect.api_settings import CORS_ALLOWED_ORIGINS
from pneumodetect.environment import ALLOWED_HOSTS as ALLOWED_HOSTS
from pneumodetect.environment import (
    BASE_DIR,
    DATA_DIR,
    IS_PUBLIC,
    is_training_offered,
    positive,
    private_networks,
    public_url,
    secret_key,
    time_zone,
)
from pneumodetect.environment import DEBUG as DEBUG

# Where users reach the platform: for mails and webhooks, which are written where there is no request.
PUBLIC_URL = public_url()
# Webhooks reach public addresses alone, but for these.
WEBHOOK_PRIVATE_NETWORKS = private_networks()
SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = os.environ.get("SECRET_KEY_FALLBACKS", "").split()

INSTALLED_APPS = [
    "diagnosis.administration.apps.AdministrationConfig",  # django.contrib.admin, with a site of our own
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
if CORS_ALLOWED_ORIGINS:
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
MAX_UPLOAD_BYTES = positive("PNEUMODETECT_MAX_UPLOAD_MB", 25) * 1024**2
MAX_BATCH_BYTES = max(MAX_UPLOAD_BYTES, positive("PNEUMODETECT_MAX_BATCH_MB", 500) * 1024**2)
MAX_BATCH_FILES = positive("PNEUMODETECT_MAX_BATCH_FILES", 500)
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_BATCH_FILES + 1  # the upload handler refuses first, with its own sentence
DATA_UPLOAD_MAX_NUMBER_FIELDS = MAX_BATCH_FILES + 1000  # the page asks for the states of all its uploads at once
# With less room than this on the disk, every page says that it is nearly full.
DISK_LOW_BYTES = positive("PNEUMODETECT_DISK_LOW_MB", 1024) * 1024**2
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
TRAINING_DATA_DIR = Path(os.environ["PNEUMODETECT_TRAINING_DATA_DIR"]) if is_training_offered() else None
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

# Language and time. A choice in the footer, kept in a cookie, comes first, then the profile's, then the browser's.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "diagnosis" / "locale"]  # one catalog for all rooms and templates
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_PUBLIC
FORMAT_MODULE_PATH = ["diagnosis.formats"]
TIME_ZONE = time_zone()
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
