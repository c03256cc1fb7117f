"""manage.py activate_model VERSION [--force]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis import publishing
from diagnosis.engine.errors import ArtifactError


class Command(BaseCommand):
    help = "Makes new predictions with the published VERSION; activating an older one rolls back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="VERSION")
        parser.add_argument(
            "--force",
            action="store_true",
            help="even if a comparison found it significantly worse than the active one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = publishing.activate(options["version"], force=options["force"])
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Version {version} is active.")
