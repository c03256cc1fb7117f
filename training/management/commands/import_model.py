"""manage.py import_model FILE --data DIR --scaling unit|signed|none [--activate]"""

from __future__ import annotations

import logging
import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.artifact import write_artifact
from diagnosis.engine.errors import ArtifactError, DatasetError
from training.errors import TrainingError


class Command(BaseCommand):
    help = (
        "Takes a Keras classifier made elsewhere (.keras, or .h5 as older versions wrote it), calibrates it on "
        "DIR/NORMAL and DIR/PNEUMONIA and publishes it. Nothing that the file holds is run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds NORMAL/ and PNEUMONIA/")
        parser.add_argument(
            "--scaling",
            required=True,
            choices=["unit", "signed", "none"],
            help="the grey values that it was trained on: 0 to 1 (x/255), -1 to 1 (x/127.5 - 1) or 0 to 255",
        )
        parser.add_argument(
            "--positive-index",
            type=int,
            choices=[0, 1],
            default=1,
            help="the place of pneumonia among the classes (default: 1, as the folders' order gives it)",
        )
        parser.add_argument(
            "--source", default="", help="what the card says of the images: whose, which, what licence"
        )
        parser.add_argument("--activate", action="store_true", help="make new predictions with it")

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes say nothing to a user
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        if not options["file"].is_file():
            raise CommandError(f"{options['file']} is no file.")
        from training.importing import ImportOptions, import_network  # takes seconds

        asked = ImportOptions(options["scaling"], options["positive_index"], options["source"])
        try:
            artifact = import_network(options["file"], options["data"], asked, self.stdout.write)
            with tempfile.TemporaryDirectory() as folder:
                write_artifact(artifact, Path(folder) / "artifact")
                call_command(
                    "publish_model", Path(folder) / "artifact", activate=options["activate"], stdout=self.stdout
                )
        except (ArtifactError, DatasetError, TrainingError, OSError) as error:
            raise CommandError(str(error)) from error
