"""Train a network on a folder of images and write the artifact."""

from __future__ import annotations

import dataclasses
import logging
import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.errors import DatasetError
from training.config import TrainingConfig, recipe
from training.errors import TrainingError


class Command(BaseCommand):
    help = "Train on DIR/NORMAL and DIR/PNEUMONIA, evaluate on patients kept apart, and export an artifact."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds NORMAL/ and PNEUMONIA/")
        parser.add_argument("--recipe", default="default", help="a named configuration (default: default)")
        parser.add_argument("--accelerator", default="auto", help="auto, cpu, gpu or tpu (default: auto)")
        parser.add_argument(
            "--imagenet-weights", type=Path, metavar="FILE", help="an .npz file (default: Keras downloads them)"
        )
        parser.add_argument("--output", type=Path, metavar="DIR", help="the new folder for the artifact")
        parser.add_argument(
            "--source", default="", help="what the card says of the images: whose, which, what licence"
        )
        add_gate_arguments(parser)
        parser.add_argument(
            "--despite-audit", action="store_true", help="train even where audit_dataset finds that it would mislead"
        )
        parser.add_argument("--epochs", type=int, help="at most so many, instead of the recipe's")
        parser.add_argument("--seed", type=int, help="of split, first weights, order and augmentation")

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes say nothing to a user
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        output = options["output"] or settings.DATA_DIR / "training" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
        try:
            config = _configure(recipe(options["recipe"]), options)
            from training.gallery import GallerySources  # takes seconds: a wrong option is answered before
            from training.trainer import train

            train(
                config,
                options["data"],
                output,
                imagenet=options["imagenet_weights"],
                accelerator=options["accelerator"],
                source=options["source"],
                report=self.stdout.write,
                gallery=GallerySources(options["more_radiographs"], options["not_chest"]),
                despite_audit=options["despite_audit"],
            )
        except (DatasetError, TrainingError, OSError) as error:
            raise CommandError(str(error)) from error


def add_gate_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--not-chest", type=Path, metavar="DIR", help="pictures that the gate must refuse, a folder for each kind"
    )
    parser.add_argument(
        "--more-radiographs",
        type=Path,
        metavar="DIR",
        help="chest X-rays of other hospitals that the gate must let pass; the network is not trained on them",
    )


def _configure(config: TrainingConfig, options: dict[str, Any]) -> TrainingConfig:
    given = {name: options[name] for name in ("epochs", "seed") if options[name] is not None}
    if given.get("epochs", 1) < 1 or given.get("seed", 0) < 0:
        raise TrainingError("--epochs must be at least 1, and --seed must not be negative.")
    return dataclasses.replace(config, **given)
