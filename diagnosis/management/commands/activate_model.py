"""manage.py activate_model VERSION|--previous [--force]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis import publishing
from diagnosis.engine.errors import ArtifactError


class Command(BaseCommand):
    help = "Makes new predictions with the published VERSION, or rolls back to the one that was active before."

    def add_arguments(self, parser: ArgumentParser) -> None:
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("version", nargs="?", metavar="VERSION")
        chosen.add_argument("--previous", action="store_true", help="the version that was active before")
        parser.add_argument(
            "--force",
            action="store_true",
            help="even if a comparison found it significantly worse than the active one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        force = options["force"]
        try:
            version = (
                publishing.roll_back(force)
                if options["previous"]
                else publishing.activate(options["version"], force=force)
            )
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Version {version} is active.")
