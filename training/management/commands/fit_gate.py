"""Put a newly fitted gate on an artifact whose network is trained already."""

from __future__ import annotations

import dataclasses
import logging
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.artifact import read_artifact, write_artifact
from diagnosis.engine.errors import ArtifactError, DatasetError
from training.config import TrainingConfig
from training.errors import TrainingError
from training.management.commands.train import add_gate_arguments


class Command(BaseCommand):
    help = "Fit the gate again and write the artifact ARTIFACT with it to a new folder; all other facts are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("artifact", type=Path, metavar="ARTIFACT")
        parser.add_argument(
            "--weights",
            type=Path,
            required=True,
            metavar="FILE",
            help="network.weights.h5 of the run that made ARTIFACT",
        )
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="what the run was trained on")
        parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new folder")
        add_gate_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes say nothing to a user
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        try:
            artifact = read_artifact(options["artifact"])
            if options["output"].exists():
                raise CommandError(f"{options['output']} exists already; name a new folder.")
            config = _config_of(artifact.card.training)
            from training.gallery import GallerySources  # takes seconds: a wrong artifact is answered before
            from training.trainer import put_new_gate

            new = put_new_gate(
                artifact,
                config,
                options["weights"],
                options["data"],
                GallerySources(options["more_radiographs"], options["not_chest"]),
                report=self.stdout.write,
            )
            write_artifact(new, options["output"])
        except (ArtifactError, DatasetError, TrainingError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{new.card.version} lies in {options['output']}.")


def _config_of(training: dict[str, Any]) -> TrainingConfig:
    """Return the configuration that the card tells of; what it does not tell is the default's."""
    known = {field.name for field in dataclasses.fields(TrainingConfig)}
    told = training.get("config", {})
    return TrainingConfig(**{name: value for name, value in told.items() if name in known})
