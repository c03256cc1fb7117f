"""manage.py fill_database N [--user NAME] [--days DAYS] [--force]"""

from __future__ import annotations

import random
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from diagnosis.audit.models import AuditEntry, Door, Kind, Verb
from diagnosis.history.listed import Source
from diagnosis.models import Disagreement, ModelVersion, Prediction, Radiograph, ReadingGroup, Review, Tag
from diagnosis.reviewing.following import follow_reviews

OWNER = "measuring"
BATCH = 5000
REASONS = {
    "refused": ("not_a_chest", "The image does not look like a chest X-ray."),
    "failed": ("damaged", "The file is damaged."),
}
#: The share of those with an answer that another version, if there is one, has read before.
READ_BEFORE = 0.3
#: The share of those with an answer that their owner has given a verdict on.
REVIEWED = 0.01
#: The share of the radiographs that bear each tag.
TAGS = {"follow-up": 0.1, "teaching": 0.01, "ask a colleague": 0.0002}


class Command(BaseCommand):
    help = (
        "Writes N rows of made-up radiographs that are read already, to measure how fast the lists are. There are no "
        "files to them. Not where people work: the rows look like theirs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", metavar="N", type=int)
        parser.add_argument("--user", default=OWNER, metavar="NAME", help=f"whose they are; made if new ({OWNER})")
        parser.add_argument("--group", metavar="NAME", help="share them with this group of the user's; made if new")
        parser.add_argument("--days", type=int, default=1000, help="over so many days they are spread (1000)")
        parser.add_argument("--force", action="store_true", help="even where there are radiographs already")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["number"] < 1 or options["days"] < 1:
            raise CommandError("N and DAYS must be whole numbers of 1 or more.")
        if Radiograph.objects.exists() and not options["force"]:
            raise CommandError(
                "There are radiographs in this database, and made-up ones among them would mislead. Use an empty "
                "database, by DATABASE_URL or PNEUMODETECT_DATA_DIR; --force adds them all the same."
            )
        versions = list(ModelVersion.objects.all())
        if not versions:
            raise CommandError("No model version is published. Do that first: manage.py publish_model DIR --activate")
        owner = User.objects.filter(username=options["user"]).first() or User.objects.create_user(options["user"])
        group = _group(options["group"], owner) if options["group"] else None
        self._fill(owner, group, versions, options["number"], timedelta(days=options["days"]))

    def _fill(
        self, owner: User, group: ReadingGroup | None, versions: list[ModelVersion], number: int, span: timedelta
    ) -> None:
        chance = random.Random(20261125)  # noqa: S311  (made-up rows, not secrets)
        rows, written = _rows(owner, group, versions, number, span, chance), 0
        tags = {Tag.objects.get_or_create(owner=owner, name=name)[0].pk: share for name, share in TAGS.items()}
        while batch := list(islice(rows, BATCH)):
            with transaction.atomic():
                Radiograph.objects.bulk_create(radiograph for radiograph, _ in batch)
                predictions = Prediction.objects.bulk_create(prediction for _, prediction in batch)
                _read_before(versions, predictions, chance)
                _review(owner, predictions, chance)
                _record(owner, [radiograph for radiograph, _ in batch])
                _tag(tags, [radiograph for radiograph, _ in batch], chance)
            written += len(batch)
            self.stderr.write(f"{written} of {number} rows", ending="\r")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(f"{number} made-up radiographs belong to the user {owner}.")


def _group(name: str, owner: User) -> ReadingGroup:
    return ReadingGroup.objects.of(owner).filter(name=name).first() or ReadingGroup.found(name, owner)


def _rows(
    owner: User,
    group: ReadingGroup | None,
    versions: list[ModelVersion],
    number: int,
    span: timedelta,
    chance: random.Random,
) -> Iterator[tuple[Radiograph, Prediction]]:
    now = timezone.now()
    for count in range(number):
        created = now - span * (1 - count / number)
        facts = _outcome(versions, chance)
        pk = uuid.UUID(int=chance.getrandbits(128), version=4)
        radiograph = Radiograph(
            pk=pk,
            owner=owner,
            group=group,
            created=created,
            file=f"made-up/{pk}.jpg",
            filename=f"{chance.choice(('thorax', 'chest', 'CXR'))} {chance.randrange(10_000_000):07}.jpg",
            format="JPEG",
            size=300_000,
            width=1400,
            height=1100,
            sha256=f"{chance.getrandbits(256):064x}",
            source=Source.API if chance.random() < 0.3 else Source.BROWSER,
            outcome=facts["status"],
            **{name: facts[name] for name in ("label", "band", "probability", "model_version") if name in facts},
        )
        times = {"queued_at": created, "started_at": created, "finished_at": created + timedelta(milliseconds=60)}
        yield radiograph, Prediction(radiograph=radiograph, **facts, **times, attempts=1)


def _read_before(versions: list[ModelVersion], predictions: list[Prediction], chance: random.Random) -> None:
    """Let some have been read by another version before, and write down where the two disagree."""
    answered = [each for each in predictions if each.status in Prediction.ANSWERED]
    chosen = [(each, chance.choice(versions)) for each in answered if chance.random() < READ_BEFORE]
    pairs = [
        (Prediction(radiograph=each.radiograph, **_outcome([other], chance), **_times_before(each), attempts=1), each)
        for each, other in chosen
        if other != each.model_version
    ]
    Prediction.objects.bulk_create(before for before, _ in pairs)
    Disagreement.objects.bulk_create(
        found for pair in pairs if pair[0].status in Prediction.ANSWERED and (found := Disagreement.of(*pair))
    )


def _times_before(prediction: Prediction) -> dict[str, Any]:
    earlier = prediction.queued_at - timedelta(seconds=1)
    return {"queued_at": earlier, "started_at": earlier, "finished_at": earlier + timedelta(milliseconds=60)}


def _outcome(versions: list[ModelVersion], chance: random.Random) -> dict[str, Any]:
    kind, version = chance.random(), versions[0] if chance.random() < 0.7 else chance.choice(versions)
    if kind < 0.03:
        status = "refused" if kind < 0.025 else "failed"
        code, reason = REASONS[status]
        return {"status": status, "model_version": version, "reason_code": code, "reason": reason}
    probability = chance.betavariate(0.4, 0.6)
    return {
        "status": "succeeded",
        "model_version": version,
        "probability": probability,
        "threshold": 0.5,
        "label": "PNEUMONIA" if probability >= 0.5 else "NORMAL",
        "band": "likely" if probability > 0.6 else "unlikely" if probability < 0.4 else "uncertain",
    }


def _review(owner: User, predictions: list[Prediction], chance: random.Random) -> None:
    """Let a second reader agree with most of some answers."""
    labels = list(Review.Label)
    reviews = [
        Review(
            radiograph=each.radiograph,
            reader=owner,
            label=each.label if chance.random() < 0.8 else chance.choice(labels),
            created=each.queued_at,
            blinded=chance.random() < 0.5,
            prediction=each,
        )
        for each in predictions
        if each.label and chance.random() < REVIEWED
    ]
    Review.objects.bulk_create(reviews)
    follow_reviews(Radiograph.objects.filter(pk__in=[each.radiograph_id for each in reviews]))


def _tag(tags: dict[int, float], radiographs: list[Radiograph], chance: random.Random) -> None:
    through = Tag.radiographs.through
    rows = [
        through(tag_id=tag, radiograph=each)
        for tag, share in tags.items()
        for each in radiographs
        if chance.random() < share
    ]
    through.objects.bulk_create(rows)


def _record(owner: User, radiographs: list[Radiograph]) -> None:
    """Let the audit log say that its owner uploaded each."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            moment=each.created,
            actor=owner,
            actor_name=owner.username,
            verb=Verb.UPLOADED,
            kind=Kind.RADIOGRAPH,
            object_id=str(each.pk),
            door=Door.API if each.source == Source.API else Door.PAGE,
            request_id=each.pk.hex,
        )
        for each in radiographs
    )
