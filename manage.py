#!/usr/bin/env python3
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pneumodetect.settings")
    try:
        run()
    except ModuleNotFoundError as error:
        sys.exit(
            f"The Python package {error.name} is not installed for {sys.executable}. Call this as .venv/bin/python "
            "manage.py …; if you did, install what it needs: .venv/bin/pip install -r diagnosis/requirements.txt, "
            "and for training: make install."
        )


def run() -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting; which one, and what would be right, it says itself
        sys.exit(str(error))


if __name__ == "__main__":
    main()
