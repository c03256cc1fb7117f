"""manage.py classify PATH… [--json] [--model VERSION]"""

from __future__ import annotations

import io
import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.engine.classifier import Classification, Classifier
from diagnosis.engine.errors import ArtifactError, RadiographError
from diagnosis.engine.folders import radiographs_under
from diagnosis.engine.header import read_header
from diagnosis.engine.suitability import cautions_of
from diagnosis.publishing import load_classifier


class Command(BaseCommand):
    help = "Classifies image files, and those in folders, without web server or queue. Exit status 1 if any failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--model", metavar="VERSION", help="a published version (default: the active one)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            classifier = load_classifier(options["model"])
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        count = failed = 0
        for path in _files(options["paths"]):
            result = _classify(classifier, path)
            self.stdout.write(json.dumps(result, ensure_ascii=False) if options["json"] else _line(result))
            count += 1
            failed += result["status"] == "failed"
        if not count:
            raise CommandError(f"There is no image in {', '.join(map(str, options['paths']))}.")
        if failed:
            raise CommandError(f"{failed} of {count} files could not be read.")


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from radiographs_under(path)
        elif path.exists():
            yield path
        else:
            raise CommandError(f"{path} does not exist.")


def _classify(classifier: Classifier, path: Path) -> dict[str, Any]:
    started = time.perf_counter()
    answer: Classification | None = None
    failure = None
    acquisition: dict[str, Any] = {}
    try:
        data = path.read_bytes()
        acquisition = read_header(io.BytesIO(data)).acquisition
        answer = classifier.classify(data)
    except RadiographError as error:
        failure = {"code": error.code, "detail": error.detail}
    except OSError as error:
        failure = {"code": "unreadable", "detail": f"The file cannot be opened: {error.strerror}."}
    refusal = answer.refusal if answer else None
    return {
        "path": str(path),
        "status": answer.status if answer else "failed",
        "label": (answer and answer.label) or None,
        "probability": answer.probability if answer else None,
        "threshold": classifier.card.threshold,
        "band": (answer and answer.band) or None,
        "refusal": {"code": refusal.code, "detail": refusal.detail} if refusal else None,
        "error": failure,
        "acquisition": acquisition,
        "warnings": [asdict(caution) for caution in cautions_of(acquisition)],
        "model_version": classifier.card.version,
        "seconds": round(time.perf_counter() - started, 4),
    }


def _line(result: dict[str, Any]) -> str:
    if reason := result["refusal"] or result["error"]:
        return f"{result['path']}: {result['status']}: {reason['detail']}"
    cautions = "".join(f" {caution['detail']}" for caution in result["warnings"])
    return (
        f"{result['path']}: pneumonia {result['band']}, {result['probability']:.0%} "
        f"(threshold {result['threshold']:.0%}, {result['label']}){cautions and '.'}{cautions}"
    )
