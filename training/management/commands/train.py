"""Train a network on a folder of images and write the artifact."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from diagnosis.engine.errors import DatasetError
from training.config import TrainingConfig, recipe
from training.errors import TrainingError
from training.overrides import override, parse_settings, read_config_file
from training.registering import carry_out_here


class Command(BaseCommand):
    help = "Train on DIR/NORMAL and DIR/PNEUMONIA, evaluate on patients kept apart, and export an artifact."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds NORMAL/ and PNEUMONIA/")
        parser.add_argument("--recipe", default="default", help="a named configuration (default: default)")
        parser.add_argument("--accelerator", default="auto", help="auto, cpu, gpu or tpu (default: auto)")
        parser.add_argument(
            "--imagenet-weights", type=Path, metavar="FILE", help="an .npz file (default: Keras downloads them)"
        )
        parser.add_argument(
            "--start-from",
            type=Path,
            metavar="FILE",
            help="network.weights.h5 of an earlier run, to go on from",
        )
        parser.add_argument("--output", type=Path, metavar="DIR", help="the new folder for the artifact")
        parser.add_argument(
            "--register", action="store_true", help="list the run in the admin, to be watched and published there"
        )
        parser.add_argument(
            "--source", default="", help="what the card says of the images: whose, which, what licence"
        )
        add_gate_arguments(parser)
        parser.add_argument(
            "--despite-audit", action="store_true", help="train even where audit_dataset finds that it would mislead"
        )
        parser.add_argument("--config", type=Path, metavar="FILE", help="fields of the recipe, as .toml or .json")
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="one field of the recipe; may come often"
        )
        parser.add_argument("--epochs", type=int, help="at most so many, instead of the recipe's")
        parser.add_argument("--seed", type=int, help="of split, first weights, order and augmentation")
        parser.add_argument("--fraction", type=float, help="use so much of each class, for a trial: 0.1 is a tenth")
        parser.add_argument(
            "--afresh", action="store_true", help="start anew where an unfinished run lies in OUTPUT.partial"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's notes say nothing to a user
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        try:
            config = _configure(recipe(options["recipe"]), options)
            output = options["output"] or settings.DATA_DIR / "training" / _name(config, options)
            from training.gallery import GallerySources  # takes seconds: a wrong option is answered before
            from training.trainer import train

            work = partial(
                train,
                config,
                options["data"],
                output,
                imagenet=options["imagenet_weights"],
                accelerator=options["accelerator"],
                source=options["source"],
                gallery=GallerySources(options["more_radiographs"], options["not_chest"]),
                despite_audit=options["despite_audit"],
                afresh=options["afresh"],
                start=options["start_from"],
            )
            if options["register"]:
                facts = _facts(config, output, options)
                carry_out_here(facts, lambda say: work(report=say), self.stdout.write, options["afresh"])
            else:
                work(report=self.stdout.write)
        except KeyboardInterrupt:
            raise CommandError("Stopped: the same command goes on after the last epoch that was finished.") from None
        except DatabaseError as error:
            raise CommandError(f"The registry of runs cannot be written ({error}); `migrate` makes it.") from error
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
    """Return the recipe with what the file, then ``--set``, then the other options change."""
    given = {name: options[name] for name in ("epochs", "seed", "fraction") if options[name] is not None}
    of_file = read_config_file(options["config"]) if options["config"] else {}
    return override(override(override(config, of_file), parse_settings(options["set"])), given)


def _facts(config: TrainingConfig, output: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Return what the registry of runs is told."""
    weights = options["imagenet_weights"]
    return {
        **{name: options[name] for name in ("recipe", "accelerator", "source", "epochs", "seed")},
        "data": str(options["data"].absolute()),
        "imagenet_weights": str(weights.absolute()) if weights else "",
        "config": config.as_dict(),
        "output": str(output.absolute()),
    }


def _name(config: TrainingConfig, options: dict[str, Any]) -> str:
    """Name the folder after what is asked for: the same command finds its unfinished run again."""
    asked = [
        config.as_dict(),
        str(options["data"].absolute()),
        str(options["imagenet_weights"]),
        str(options["start_from"]),
    ]
    return f"{options['recipe']}-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]}"
