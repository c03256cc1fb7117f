"""The first steps of ``make run``: database, static files, the bundled model and the demo user. Prints one line.

A process of its own, so that the one that watches over the platform stays small.
"""

from __future__ import annotations

import os
import secrets
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from pneumodetect.supervisor import ASK

DRIVER = "DATABASE_URL needs a driver: .venv/bin/pip install 'psycopg[binary]'"


def main() -> int:
    """Print what the ready line says of the demo user, or the sentence that says what is wrong."""
    try:
        django.setup()
        prepare()
        print(demo_user(), flush=True)
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        print(f"The database cannot be used: {reason}. DATABASE_URL says where it is.", flush=True)
    except OSError as error:
        print(f"{error.filename or settings.DATA_DIR} cannot be used: {error.strerror}. {ASK}", flush=True)
    except (ImproperlyConfigured, CommandError) as error:
        print(DRIVER if "psycopg" in str(error) else f"{error} {ASK}", flush=True)
    else:
        return 0
    return 1


def prepare() -> None:
    """Bring everything up to date; a second time there is nothing left to do."""
    call_command("migrate", interactive=False, stdout=sys.stderr)
    call_command("collectstatic", interactive=False, stdout=sys.stderr)
    bundled = settings.BASE_DIR / "diagnosis" / "bundled_model"
    call_command("publish_model", str(bundled), activate_if_none=True, stdout=sys.stderr)


def demo_user() -> str:
    """Make the user demo if there is no user yet, and return what to tell of it.

    It may use the admin pages where only this machine is served, so that they can be looked at.
    """
    from django.contrib.auth.models import User

    password = os.environ.get("PNEUMODETECT_DEMO_PASSWORD", "")
    demo = User.objects.filter(username="demo").first()
    if demo is None:
        if User.objects.exists():
            return ""
        password = password or secrets.token_urlsafe(9)
        trusted = not settings.IS_PUBLIC
        User.objects.create_user("demo", password=password, is_staff=trusted, is_superuser=trusted)
    else:
        if settings.IS_PUBLIC and (demo.is_staff or demo.is_superuser):  # made while only this machine was served
            demo.is_staff = demo.is_superuser = False
            demo.save()
        if password and not demo.check_password(password):
            demo.set_password(password)
            demo.save()
    forgotten = "as printed at the first run (manage.py changepassword demo sets another)"
    return f"  user demo  password {password or forgotten}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")
    sys.exit(main())
