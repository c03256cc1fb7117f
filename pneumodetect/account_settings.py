"""Who gets in, and how what a browser keeps of that is protected."""

import os

import environ

from pneumodetect.environment import ALLOWED_HOSTS, IS_PUBLIC, flag, whole

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
SIGNUP_OPEN = flag("PNEUMODETECT_SIGNUP")
ACCOUNT_EMAIL_NOTIFICATIONS = True
# The second factor. Addresses are made by administrators, and no mail may ever reach them: nobody has to verify one.
STAFF_NEED_SECOND_FACTOR = flag("PNEUMODETECT_REQUIRE_2FA")
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
SECURE_HSTS_SECONDS = whole("PNEUMODETECT_HSTS_SECONDS", 3600, least=0) if IS_PUBLIC else 0
# Subdomains, and the list that browsers come with, are for whoever owns the domain to decide on.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_PUBLIC else None
CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if IS_PUBLIC and host != "*"]
CSRF_FAILURE_VIEW = "diagnosis.pages.errors.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
