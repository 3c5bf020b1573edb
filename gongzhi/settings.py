"""One settings file. Everything that differs between installations comes from the environment (`GONGZHI_*`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from whitenoise.compress import Compressor

from gongzhi.clock import keys, logs

PACKAGE = Path(__file__).resolve().parent
DATA = keys.DATA


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def _origin(url: str) -> list[str]:
    """The host of an address, for the content policy; nothing when there is none."""
    parts = urlsplit(url.replace("{s}", "*"))
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path) if parts.path not in {"", "/"} else ":memory:",
            # A connection lasts as long as its thread: opening one costs more than a request.
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: a power cut after the answer "recorded" must not take the record back.
                # secure_delete: what `people.erase` removes must be gone from the file, not only from the index.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                " PRAGMA secure_delete=ON;",
            },
        }
    if parts.scheme in {"postgres", "postgresql"}:
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        pool = int(os.environ.get("GONGZHI_DB_POOL", "0"))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": {
                # For the web server, whose threads share; a command has one connection and wants its errors at once.
                # A request waits out a restart of the database, and no longer: who waits keeps others waiting. Nor does
                # the pool wait longer from one try to the next, so that pages are there as soon as the database is.
                "pool": {"min_size": 1, "max_size": pool, "timeout": 5, "reconnect_timeout": 5} if pool else False,
                "connect_timeout": 5,
                "server_side_binding": True,
                "prepare_threshold": 1,
                **options,
            },
            "DISABLE_SERVER_SIDE_CURSORS": False,
        }
    raise ImproperlyConfigured(f"DATABASE_URL 要以 sqlite:// 或 postgres:// 开头，现在是 {parts.scheme or '空'}")


DATABASES = {"default": _database(os.environ.get("DATABASE_URL") or f"sqlite:///{DATA / 'gongzhi.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = keys.read("GONGZHI_SECRET_KEY")
VAULT_KEYS = keys.vault_keys()
# So far the clock of a demo is behind the machine's; never anywhere else.
CLOCK_BEHIND = keys.clock_behind()
DEBUG = _flag("GONGZHI_DEBUG")
# Set by `gongzhi serve`: TLS in front, secure cookies.
SECURE = _flag("GONGZHI_SECURE")
# Whose word is taken for who is asking: the reverse proxy in front of `gongzhi serve`.
PROXIES = os.environ.get("GONGZHI_PROXIES", "127.0.0.1,::1") if SECURE else ""
ALLOWED_HOSTS = [
    host for host in (os.environ.get("GONGZHI_ALLOWED_HOSTS") or "127.0.0.1,localhost,[::1]").split(",") if host
]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"] if SECURE else []

FILING_NO = os.environ.get("GONGZHI_FILING_NO", "")
SPONSOR = os.environ.get("GONGZHI_SPONSOR", "")
# For residents, as it is to be read: 0371-5550 0128，工作日 8:30—17:30.
PHONE = os.environ.get("GONGZHI_PHONE", "")
TILE_URL = os.environ.get("GONGZHI_TILE_URL", "")
MAP_APPROVAL = os.environ.get("GONGZHI_MAP_APPROVAL", "")
# Where people reach the platform: printed on papers, linked in notices.
SITE_URL = os.environ.get("GONGZHI_SITE_URL", "").rstrip("/")
# By which notices leave as mail, as apprise writes it: mailtos://user:password@smtp.example.gov.cn?from=…
MAIL_URL = keys.read("GONGZHI_MAIL_URL")
# Whether channels of notices may lead to addresses of the intranet, also without TLS.
INTRANET_CHANNELS = _flag("GONGZHI_INTRANET_CHANNELS")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.dingtalk",
    "gongzhi.web.providers.wecom",
    "axes",
    "csp",
    "ninja",
    "gongzhi.ground.rules",
    "gongzhi.ground.places",
    "gongzhi.ground.people",
    "gongzhi.ground.ledger",
    "gongzhi.ground.register",
    "gongzhi.ground.tasks",
    "gongzhi.ground.files",
    "gongzhi.ground.search",
    "gongzhi.ground.feedback",
    "gongzhi.rooms.members",
    "gongzhi.rooms.activities",
    "gongzhi.rooms.problems",
    "gongzhi.upper.league",
    "gongzhi.upper.briefing",
    "gongzhi.hall",
    "gongzhi.sheets",
    "gongzhi.clock",
    "gongzhi.clock.jobs",
    "gongzhi.clock.notices",
    "gongzhi.web",
    "gongzhi.api",
]

MIDDLEWARE = [
    "gongzhi.web.measuring.measured",
    "gongzhi.web.middleware.reference",
    "gongzhi.web.exchange.exchanged",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gongzhi.web.middleware.short_enough",
    "gongzhi.web.middleware.idle",
    "gongzhi.web.middleware.DefaultDeny",
    "gongzhi.web.middleware.first_password",
    "allauth.account.middleware.AccountMiddleware",
    "gongzhi.web.middleware.second_proof",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gongzhi.web.middleware.content_policy",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "gongzhi.urls"
WSGI_APPLICATION = "gongzhi.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gongzhi.web.context.installation",
            ],
            "builtins": ["gongzhi.web.templatetags.words"],
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"]),
            ]
            if not DEBUG
            else ["django.template.loaders.filesystem.Loader"],
        },
    }
]

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "gongzhi.ground.people.passwords.KindsOfSigns"},
    {"NAME": "gongzhi.ground.people.passwords.EasyToGuess"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/"

# Whose second proof is asked for: officers, all or off. A demo is opened without.
MFA = os.environ.get("GONGZHI_MFA") or ("officers" if SECURE else "off")
if MFA not in {"officers", "all", "off"}:
    raise ImproperlyConfigured(f"GONGZHI_MFA 写 officers、all 或 off，现在是 {MFA}")
MFA_ADAPTER = "gongzhi.web.mfa.Adapter"
# A telephone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
# A browser takes a key without TLS on this machine only; so does this.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE

# Signing in from other systems. allauth's own pages, tables and sign-up stay closed: no address leads to them.
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_ADAPTER = "gongzhi.web.providers.adapters.Adapter"
OIDC_NAME = os.environ.get("GONGZHI_OIDC_NAME") or "统一身份认证"
OIDC_CLAIM = os.environ.get("GONGZHI_OIDC_CLAIM") or "sub"
# Other addresses for where these systems are run on premises.
WECOM_API = os.environ.get("GONGZHI_WECOM_API") or "https://qyapi.weixin.qq.com"
WECOM_LOGIN = os.environ.get("GONGZHI_WECOM_LOGIN") or "https://login.work.weixin.qq.com"
WECOM_INSIDE = os.environ.get("GONGZHI_WECOM_INSIDE") or "https://open.weixin.qq.com"
DINGTALK_API = os.environ.get("GONGZHI_DINGTALK_API") or "https://api.dingtalk.com"
DINGTALK_LOGIN = os.environ.get("GONGZHI_DINGTALK_LOGIN") or "https://login.dingtalk.com"


def _door(provider: str, client: str, secret: str, **more: Any) -> dict[str, Any]:
    """An application at another system, when its settings are there."""
    client, secret = os.environ.get(client, ""), os.environ.get(secret, "")
    app = {"provider_id": provider, "name": provider, "client_id": client, "secret": secret, **more}
    return {"APPS": [app] if client and secret else []}


SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": _door(
        "oidc",
        "GONGZHI_OIDC_CLIENT_ID",
        "GONGZHI_OIDC_SECRET",
        settings={"server_url": os.environ.get("GONGZHI_OIDC_URL", "")},
    ),
    "wecom": _door(
        "wecom", "GONGZHI_WECOM_CORP_ID", "GONGZHI_WECOM_SECRET", key=os.environ.get("GONGZHI_WECOM_AGENT_ID", "")
    ),
    "dingtalk": _door("dingtalk", "GONGZHI_DINGTALK_CLIENT_ID", "GONGZHI_DINGTALK_SECRET"),
}

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.5  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
# What was sent is not kept with a failed attempt: codes, and what somebody had typed before the session ended.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "credential", "typed"]

SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Desks are shared: half an hour without a page signs out.
SESSION_IDLE_SECONDS = 30 * 60
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_SSL_REDIRECT = SECURE
# Asked from this machine, without the proxy.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "gongzhi.web.errors.csrf"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_origin(TILE_URL)],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
# The sheets of 操作手册: in a wheel beside the code, in a checkout among the documents.
MANUALS = next(folder for folder in (PACKAGE / "manuals", PACKAGE.parent / "docs" / "manuals") if folder.is_dir())
STATICFILES_DIRS = [PACKAGE / "web" / "static", ("manuals", MANUALS / "img")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
# Maps of sources are for developers: squeezing them takes seconds of the first start.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
MEDIA_ROOT = DATA / "files"
# What is sent stays in memory until it is sealed; only sheets larger than this pass through a temporary file.
FILE_UPLOAD_MAX_MEMORY_SIZE = 25 << 20

# `json` in `gongzhi serve`: a line an event, for machines. What may stand in it: clock/logs.py.
LOGGING = logs.logging_for(os.environ.get("GONGZHI_LOG", "plain"), os.environ.get("GONGZHI_LOG_LEVEL", "WARNING"))
logs.configure()
# Who may read /metrics and /readyz from another machine: `Authorization: Bearer …`.
METRICS_TOKEN = keys.read("GONGZHI_METRICS_TOKEN")
SILENCED_SYSTEM_CHECKS: list[str] = []
