"""manage.py compare_models A B --data DIR [--json]"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from diagnosis.comparison import compare_versions
from diagnosis.engine.comparison import FIGURES
from diagnosis.engine.errors import ArtifactError, DatasetError
from diagnosis.models import Comparison


class Command(BaseCommand):
    help = (
        "Compares version B with version A on the images in DIR/NORMAL and DIR/PNEUMONIA, and remembers the result: "
        "a version that was found significantly worse than the active one is activated only by force."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("a", metavar="A", help="a published version, for instance the active one")
        parser.add_argument("b", metavar="B", help="a published version, for instance one that is to follow it")
        parser.add_argument("--data", type=Path, required=True, metavar="DIR")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = compare_versions(options["a"], options["b"], options["data"], self.stderr.write)
        except (ArtifactError, DatasetError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            facts = {"a": found.a.version, "b": found.b.version, "data": str(options["data"])}
            self.stdout.write(json.dumps({**facts, **found.figures, "sentence": found.sentence}))
        else:
            self.stdout.write("\n".join(_lines(found)))


def _lines(found: Comparison) -> list[str]:
    facts = found.figures
    lines = [
        f"{facts['images']} images of {facts['patients']} patients were answered by both; A refused "
        f"{facts['refused_by_a']}, B refused {facts['refused_by_b']}, and {facts['unreadable']} could not be read.",
        f"{'':12} {'A':>8} {'B':>8} {'B - A':>8}   95 % interval",
    ]
    for name in FIGURES:
        each = facts[name]
        low, high = each["interval"]
        lines.append(
            f"{name:12} {each['a']:8.4f} {each['b']:8.4f} {each['difference']:+8.4f}   {low:+.4f} to {high:+.4f}"
        )
    test = facts["mcnemar"]
    lines += [
        f"Right: both {test['both_right']}, only A {test['only_a_right']}, only B {test['only_b_right']}, neither "
        f"{test['neither_right']}. McNemar's exact test over patients: p = {test['p']:.2g}.",
        found.sentence,
    ]
    return lines
