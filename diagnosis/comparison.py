"""Compares two published versions on the same images, and keeps what was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from diagnosis.engine.answers import Answer, Report, ask, fingerprint, probabilities
from diagnosis.engine.comparison import PairedFigures, compare
from diagnosis.engine.errors import ArtifactError, DatasetError
from diagnosis.engine.examples import LABELS, find_examples
from diagnosis.models import Comparison
from diagnosis.publishing import find_version, load_classifier


def compare_versions(a: str, b: str, folder: Path, report: Report) -> Comparison:
    """Compare version B with version A on the images of ``folder`` that both answer, and store the result.

    It takes the place of an earlier comparison of the two on the same images. Raises ArtifactError or DatasetError,
    with nothing stored, where a version is unknown or damaged, or the images cannot tell.
    """
    if a == b:
        raise ArtifactError(f"Both versions are {a}: name two different ones.")
    classifiers = load_classifier(a), load_classifier(b)
    examples = find_examples(folder)
    read = ask(classifiers, examples, report)
    answered = [answer for answer in read if not answer.refused]
    _check(answered)
    paired = compare(
        [answer.example.label for answer in answered],
        (probabilities(answered, of=0), probabilities(answered, of=1)),
        (classifiers[0].card.threshold, classifiers[1].card.threshold),
        [answer.example.patient for answer in answered],
    )
    left_out = {
        "n": len(examples),
        "refused": len(read) - len(answered),
        "refused_by_a": sum(bool(answer.said[0].refusal) for answer in read),
        "refused_by_b": sum(bool(answer.said[1].refusal) for answer in read),
        "unreadable": len(examples) - len(read),
    }
    where = f"{paired.images} images of {folder.resolve().name}"
    swapped = paired.swapped()
    row = Comparison(
        a=find_version(a),
        b=find_version(b),
        data=folder.resolve().name,
        fingerprint=fingerprint((answer.sha256, answer.example.label) for answer in answered),
        figures={**left_out, **paired.as_dict()},
        sentence=_sentence(b, a, paired, where),
        against_a=_sentence(a, b, swapped, where) if swapped.worse else "",
        against_b=_sentence(b, a, paired, where) if paired.worse else "",
    )
    with transaction.atomic():
        Comparison.objects.between(row.a, row.b).filter(fingerprint=row.fingerprint).delete()
        row.save()
    return row


def _check(answered: Sequence[Answer]) -> None:
    for label, name in enumerate(LABELS):
        if all(answer.example.label != label for answer in answered):
            raise DatasetError(f"No image of the class {name} was answered by both versions; both classes are needed.")


def _sentence(this: str, other: str, paired: PairedFigures, where: str) -> str:
    """Say whether ``this``, which is B of ``paired``, is significantly worse, and by which figures."""
    if paired.worse:
        but = f" It is significantly better in {' and '.join(paired.better)}." if paired.better else ""
        named = "; ".join(_named(name, paired) for name in paired.worse)
        return f"Version {this} is significantly worse than version {other} on {where}: {named}.{but}"
    if paired.better:
        named = "; ".join(_named(name, paired) for name in paired.better)
        return f"Version {this} is significantly better than version {other} on {where}: {named}."
    named = "; ".join(_named(name, paired) for name in (*paired.differences, "correctness"))
    return f"Version {this} is not significantly worse than version {other} on {where}: {named}."


def _named(name: str, paired: PairedFigures) -> str:
    if name == "correctness":
        return (
            f"wrong on {paired.only_a_right} images that the other reads right, and right on {paired.only_b_right} "
            f"that the other reads wrong (McNemar's test over patients, p = {paired.p:.2g})"
        )
    each = paired.differences[name]
    return (
        f"{'AUROC' if name == 'auroc' else name} {each.b:.4f} instead of {each.a:.4f} "
        f"(difference {each.value:+.4f}, 95 % interval {each.low:+.4f} to {each.high:+.4f})"
    )
