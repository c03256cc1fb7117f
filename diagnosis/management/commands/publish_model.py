"""manage.py publish_model DIR [--activate]"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis import publishing
from diagnosis.engine.errors import ArtifactError
from diagnosis.models import ModelVersion


class Command(BaseCommand):
    help = "Registers the artifact in DIR (network.tflite and card.json) as a model version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dir", type=Path, metavar="DIR")
        parser.add_argument("--activate", action="store_true", help="make new predictions with it")
        parser.add_argument(
            "--activate-if-none", action="store_true", help="make new predictions with it unless a version is active"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version, is_new = publishing.publish(options["dir"])
            self.stdout.write(f"Version {version} is {'published' if is_new else 'published already'}.")
            wanted = options["activate_if_none"] and not ModelVersion.objects.filter(active=True).exists()
            if options["activate"] or wanted:
                publishing.activate(version.version)
                self.stdout.write(f"Version {version} is active.")
        except ArtifactError as error:
            raise CommandError(str(error)) from error
