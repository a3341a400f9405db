"""Every setting of the service, read from the environment. docs/operations.md lists the variables.

`manage.py` and `python -m embedded` fill the environment from the embedded servers where `DATABASE_URL` is not set.
"""

import os
import tomllib
from pathlib import Path

import dj_database_url

from core.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent


def _list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def _flag(name: str, *, default: bool) -> bool:
    return os.environ.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


# --- what kind of place this is -------------------------------------------------------------------------------------

# "production" unless said otherwise, so that a forgotten variable is refused by the checks and not run unsafely.
DEPLOYMENT_MODE = os.environ.get("DEPLOYMENT_MODE", "production")
DEVELOPMENT = DEPLOYMENT_MODE == "development"
DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY", "")
JWT_SECRET = os.environ.get("JWT_SECRET", "")
# Fernet key that seals the customers' manifest keys. Only the signer's process has it.
MANIFEST_KEY_SECRET = os.environ.get("MANIFEST_KEY_SECRET", "")
ALLOWED_HOSTS = _list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]" if DEVELOPMENT else "")
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS")
# The address that links in mails start with.
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
# The package's own: said once, in pyproject.toml.
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# --- what it is made of ---------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "core",
    "tenants",
    "inventory",
    "notifications",
    "calendars",
    "deployments",
    "reports",
    "agents",
]
MIDDLEWARE = [
    "core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Ours first: it takes the place of REST framework's own page.
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the database ---------------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, object]:
    if not url:
        # A check says so, in words.
        return {"ENGINE": "django.db.backends.postgresql", "NAME": ""}
    parsed: dict[str, object] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    # PgBouncer in transaction mode may stand between: no state that outlives a transaction.
    return parsed | {"DISABLE_SERVER_SIDE_CURSORS": True}


# `default` serves, as a role that owns nothing. `owner` migrates, and is set only where migrations run.
DATABASES = {"default": _database(os.environ.get("DATABASE_URL", "")) | {"ATOMIC_REQUESTS": True}}
if os.environ.get("DATABASE_OWNER_URL"):
    DATABASES["owner"] = _database(os.environ["DATABASE_OWNER_URL"])

# --- signing in -----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "tenants.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCESS_TOKEN_SECONDS = 4 * 3600
REFRESH_TOKEN_SECONDS = 30 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 31_536_000
if _flag("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- requests -------------------------------------------------------------------------------------------------------

MAX_BODY_BYTES = int(os.environ.get("MAX_BODY_BYTES", str(2 * 1024 * 1024)))
# An inventory of a machine with thousands of packages is larger than anything that a person sends.
MAX_AGENT_BODY_BYTES = int(os.environ.get("MAX_AGENT_BODY_BYTES", str(8 * 1024 * 1024)))
MAX_JSON_DEPTH = 32
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_AGENT_BODY_BYTES

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.authentication.BearerAuthentication",
        "tenants.authentication.CustomerSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.permissions.RolePermission"],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.parsers.Negotiation",
    "EXCEPTION_HANDLER": "core.errors.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "core.openapi.operations.OperationSchema",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Patch deployment",
    "DESCRIPTION": "Deployment jobs for Windows and Linux machines: what to install or roll back, where, when, and "
    "what happened.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    # Names that stay what they are when a second enumeration of their field's name comes.
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": ["Disabled", "Enabled"],
        "StepOutcome": ["succeeded", "failed", "skipped", "not_applicable", "interrupted"],
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.openapi.finish"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- the broker, Celery, and what wakes what --------------------------------------------------------------------------

BROKER_URL = os.environ.get("BROKER_URL", "")
REDIS_URL = os.environ.get("REDIS_URL", BROKER_URL)

# After an event of this kind is committed, the relay publishes these tasks. The row in `core_message` is the queue:
# it stays, and is published again, until the task has done its work.
EVENT_TASKS = {
    "customer.created": ["agents.create_signing_key"],
    "run.opened": ["deployments.resolve_run"],
    "run.hosts_done": ["deployments.close_run"],
    "run.started": ["notifications.plan", "agents.wake"],
    "run.resumed": ["agents.wake"],
    "run.progressed": ["deployments.advance_run"],
    "wave.open": ["agents.wake"],
    "run.halted": ["notifications.plan"],
    "run.share_reached": ["notifications.plan"],
    "run.canceled": ["notifications.plan"],
    "run.completed": ["notifications.plan", "deployments.start_children"],
    "notification.planned": ["notifications.deliver"],
    "calendar.refresh_wanted": ["calendars.refresh"],
    "calendar.changed": ["deployments.look_again"],
    "report.queued": ["reports.write"],
    "manifest.wanted": ["agents.sign_manifest"],
}
TASK_ROUTES = {
    "deployments.tick": {"queue": "schedule"},
    "deployments.sweep": {"queue": "schedule"},
    "deployments.*": {"queue": "orchestrate"},
    "inventory.*": {"queue": "orchestrate"},
    "notifications.*": {"queue": "notify"},
    "calendars.sweep": {"queue": "schedule"},
    # It waits for servers of others, as mail does.
    "calendars.*": {"queue": "notify"},
    "reports.sweep": {"queue": "schedule"},
    "reports.*": {"queue": "report"},
    "agents.wake": {"queue": "orchestrate"},
    "agents.*": {"queue": "sign"},
}
# Seconds between the ticks that beat sends. No user schedule lives there.
TICK_SECONDS = float(os.environ.get("TICK_SECONDS", "2"))
SWEEP_SECONDS = float(os.environ.get("SWEEP_SECONDS", "5"))
# How old the members of a tag with a query may be where nothing else told them anew: a query may speak of the time.
TAG_RECHECK_SECONDS = float(os.environ.get("TAG_RECHECK_SECONDS", "60"))

# --- agents -----------------------------------------------------------------------------------------------------------

# A host task whose agent was silent for so long is Lost (not failed): its journal decides when it comes back.
HOST_LEASE_SECONDS = int(os.environ.get("HOST_LEASE_SECONDS", "120"))
# The same of a host that said that it restarts: firmware, file system checks and services take their time.
REBOOT_LEASE_SECONDS = int(os.environ.get("REBOOT_LEASE_SECONDS", "1800"))
# What an agent without work is told to wait, and for how long Redis may answer for the database that there is none.
AGENT_IDLE_POLL_SECONDS = float(os.environ.get("AGENT_IDLE_POLL_SECONDS", "60"))
# The public keys that releases of the agent are signed with, `id:Base64`, by id. Machines pin them when they enrol.
AGENT_RELEASE_KEYS = dict(key.split(":", 1) for key in _list("AGENT_RELEASE_KEYS"))
# Over how long a new release reaches all agents: each has its place in that time, always the same.
AGENT_UPDATE_SPREAD_SECONDS = float(os.environ.get("AGENT_UPDATE_SPREAD_SECONDS", "3600"))
AGENT_BUSY_POLL_SECONDS = float(os.environ.get("AGENT_BUSY_POLL_SECONDS", "1"))

# --- calls to servers that customers name -----------------------------------------------------------------------------

# Hosts, by name or address, that may be called wherever they are; all others only at public addresses.
OUTGOING_ALLOW_HOSTS = {host.lower() for host in _list("OUTGOING_ALLOW_HOSTS")}
OUTGOING_TIMEOUT_SECONDS = float(os.environ.get("OUTGOING_TIMEOUT_SECONDS", "20"))

# --- reports ----------------------------------------------------------------------------------------------------------

# How long the file of a report can be fetched.
REPORT_DAYS = float(os.environ.get("REPORT_DAYS", "7"))

# --- mail -------------------------------------------------------------------------------------------------------------

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "patch-deployment@localhost")

# --- logs -------------------------------------------------------------------------------------------------------------

LOGGING = logging_config(os.environ.get("LOG_LEVEL", "INFO"))
