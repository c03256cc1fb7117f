"""Reviewed radiographs as a folder or a zip to train with: the layout of Kaggle's chest-xray-pneumonia, by patient.

Which images show the same patient is told by what the platform knows, and it knows little, since nothing that names a
patient is kept: a tag ``patient:…`` of the owner, a file name in the pattern of the public set, and the same file sent
twice. Every other image counts as a patient of its own. The number in a file's name is a pseudonym of this platform:
it is the same in every export, and tells nobody who it is.
"""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from diagnosis.engine.examples.kaggle import names_patient, patient_of
from diagnosis.engine.sample import sample_sha256
from diagnosis.parcel import Parcel
from diagnosis.reviewing.models import Review

if TYPE_CHECKING:
    from diagnosis.models import Radiograph
    from diagnosis.querysets import RadiographQuerySet

Label = Review.Label
PATIENT_TAG = "patient:"
#: The most that a zip from the page holds; the command writes any number.
MOST_ZIPPED = 2000
README = """\
Chest X-rays with the verdicts of readers, written by PneumoDetect. NORMAL/ and PNEUMONIA/ hold the images on which all
readers agree; `manage.py train --data` takes this folder as it is.

A file is named after its patient: person<number>_<number of the image>. The number of the patient is a pseudonym.
Images are held to be of one patient where their owner gave them the same tag "patient:...", where their names follow
the pattern of the public data set, or where they are the same file. NOTHING ELSE TELLS PATIENTS APART HERE: every
other image counts as a patient of its own. Where several images of one patient bear no such tag, they may end up on
both sides of the split, and the figures of a training will flatter.

The images are not a random sample: they are those that somebody chose to review. reviews.csv says of each how many
readers saw it, and whether all of them had read it before they saw the network's answer. Text that is drawn into a
picture is still there: look at the images before you hand them on.
"""
COLUMNS = (
    "file", "label", "patient", "readers", "all_blinded", "format", "width", "height", "age", "sex", "view", "sha256"
)  # fmt: skip


class NothingToExport(Exception):
    """Says why, in a sentence for the user."""


@dataclass(frozen=True)
class Chosen:
    """One image of the set; ``name`` is where it lies within."""

    name: str
    patient: str
    label: str
    readers: int
    all_blinded: bool
    radiograph: Radiograph

    @property
    def row(self) -> list[Any]:
        shot = self.radiograph
        facts = [shot.acquisition.get(fact, "") for fact in ("age", "sex", "view")]
        told = [self.name, self.label, self.patient, self.readers, int(self.all_blinded)]
        return [*told, shot.format, shot.width, shot.height, *facts, shot.sha256]


def choose(
    radiographs: RadiographQuerySet,
    *,
    fewest_readers: int = 1,
    only_blinded: bool = False,
    without: Collection[str] = (),
    most: int | None = None,
) -> list[Chosen]:
    """Return those that the network has answered and whose readers all give the same label, each file once.

    ``without`` are the SHA-256 of files that must not be trained on. Raises NothingToExport where there is none, or
    more than ``most``.
    """
    found = list(_agreed(radiographs)[: most + 1] if most else _agreed(radiographs))
    if most and len(found) > most:
        raise NothingToExport(
            _("More than %(most)d X-rays are reviewed, too many for one zip. Name a shorter period, or ask whoever "
              "runs the platform for manage.py export_training_set.") % {"most": most}
        )  # fmt: skip
    patients, left_out = _patients(found), {*without, sample_sha256()}
    chosen: dict[str, Chosen] = {}
    for radiograph in found:
        own = list(radiograph.reviews.all())
        blinded = all(review.blinded for review in own)
        if radiograph.sha256 in left_out or len(own) < fewest_readers or (only_blinded and not blinded):
            continue
        left_out.add(radiograph.sha256)
        label, patient = own[0].label, patients[radiograph.pk]
        name = f"{label}/{patient}_{len(chosen) + 1}{Path(str(radiograph.file.name)).suffix}"
        chosen[name] = Chosen(name, patient, label, len(own), blinded, radiograph)
    if not chosen:
        raise NothingToExport(_("There is no X-ray on whose label all readers agree, so there is nothing to export."))
    return list(chosen.values())


def _agreed(radiographs: RadiographQuerySet) -> RadiographQuerySet:
    """Return those with a verdict and without a dissenting one; who cannot tell does not agree either.

    Not those whose image was removed.
    """
    from django.db.models import Prefetch

    current = Review.objects.current()
    of_it = current.filter(radiograph=OuterRef("pk"))
    sick, healthy = (Exists(of_it.filter(label=label)) for label in (Label.PNEUMONIA, Label.NORMAL))
    reviewed = radiographs.filter(reviewed__isnull=False, outcome="succeeded").exclude(file="")
    agreed = reviewed.exclude(Exists(of_it.filter(label=Label.UNCLEAR))).exclude(sick & healthy)
    return agreed.order_by("created", "pk").prefetch_related(Prefetch("reviews", current), "tags")


def _patients(radiographs: Sequence[Radiograph]) -> dict[Any, str]:
    """Return by primary key the pseudonym of the patient; what is joined by any sign is one patient."""
    leader: dict[str, str] = {}

    def find(sign: str) -> str:
        while leader.setdefault(sign, sign) != sign:
            sign = leader[sign]
        return sign

    signs = {radiograph.pk: _signs(radiograph) for radiograph in radiographs}
    for first, *others in signs.values():
        for other in others:
            leader[find(other)] = find(first)
    members = defaultdict(set)
    for own in signs.values():
        members[find(own[0])].update(own)
    return {pk: _pseudonym(min(members[find(own[0])])) for pk, own in signs.items()}


def _signs(radiograph: Radiograph) -> list[str]:
    """Return all that tells whose image it is; owners' words hold among their own images alone."""
    signs = [f"file {radiograph.sha256}"]
    tags = [tag.name.lower() for tag in radiograph.tags.all()]
    named = [f"tag {tag.removeprefix(PATIENT_TAG).strip()}" for tag in tags if tag.startswith(PATIENT_TAG)]
    if names_patient(radiograph.filename) and not named:
        named.append(f"name {patient_of(radiograph.filename)}")
    return [*(f"{radiograph.owner_id} {sign}" for sign in sorted(named)), *signs]


def _pseudonym(sign: str) -> str:
    """Return a name in the pattern of the public set, whose numbers are far shorter."""
    return f"person{int(salted_hmac('training set', sign).hexdigest(), 16) % 10**12:012}"


def write_folder(chosen: Iterable[Chosen], folder: Path) -> int:
    """Write the set, all of it or nothing, and return the number of images. Raises FileExistsError and OSError."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; name a new folder.")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    written = []
    for each in chosen:
        target = partial / each.name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(each.radiograph.read())
        except FileNotFoundError:  # deleted since it was chosen
            target.unlink(missing_ok=True)
            continue
        written.append(each)
    partial.mkdir(parents=True, exist_ok=True)
    (partial / "README.txt").write_text(README)
    (partial / "reviews.csv").write_text(_table(written))
    partial.replace(folder)
    return len(written)


def zip_of(chosen: Iterable[Chosen]) -> Iterator[bytes]:
    """Yield a zip of the set, an image at a time."""
    parcel, written = Parcel(), []
    with zipfile.ZipFile(parcel, "w") as archive:
        for each in chosen:
            try:
                archive.writestr(each.name, each.radiograph.read())
            except FileNotFoundError:  # deleted since it was chosen
                continue
            written.append(each)
            yield parcel.take()
        archive.writestr("README.txt", README)
        archive.writestr("reviews.csv", _table(written))
    yield parcel.take()


def _table(written: Iterable[Chosen]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(each.row for each in written)
    return text.getvalue()
