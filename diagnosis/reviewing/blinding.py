"""Reading first, and seeing the network's answer after: what is hidden from whom, and what was shown to whom.

Whether a verdict was given blind is a matter of facts, not of a switch: it was, where the answer had never been shown
to the reader. Owners see answers as they come in, so what is theirs counts as shown unless they read blinded then; to
others each disclosure is written down, and to all what a webhook of theirs was told. Whoever takes many answers away
at once, as a file or through the API, has seen all that there were. The administrator's pages are outside of this.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record
from diagnosis.reviewing.models import Disclosure, Reader, Review

if TYPE_CHECKING:
    from diagnosis.models import Prediction, Radiograph
    from diagnosis.querysets import RadiographQuerySet


def reads_blinded(user: Any) -> Exists:
    """Return as a part of a query whether the user reads blinded."""
    return Exists(Reader.objects.filter(user=user, blinded=True))


def is_blinded(user: Any) -> bool:
    return Reader.objects.filter(user=user, blinded=True).exists()


def set_blinded(user: Any, blinded: bool) -> None:
    """Switch; what was answered while it was off counts as shown, so the moment of switching on is kept."""
    since = timezone.now() if blinded else None
    with transaction.atomic():
        reader, _ = Reader.objects.get_or_create(user=user)
        other = Reader.objects.filter(pk=reader.pk).exclude(blinded=blinded)
        if other.update(blinded=blinded, blinded_since=since):
            how = "reads blinded" if blinded else "reads blinded no longer"
            record(Verb.CHANGED, Kind.ACCOUNT, user.pk, label=user.get_username(), details=how)


def hidden_from(user: Any, radiographs: Iterable[Radiograph], blinded: bool | None = None) -> set[uuid.UUID]:
    """Return which of them the user must read before the answer is shown. A query where they do not read blinded.

    Whoever knows already whether they do says so, and saves that query.
    """
    wanted = {radiograph.pk for radiograph in radiographs}
    if not wanted or not (is_blinded(user) if blinded is None else blinded):
        return set()
    read = Review.objects.by(user).filter(radiograph__in=wanted)
    return wanted - set(read.values_list("radiograph", flat=True))


def read_already(user: Any, radiographs: RadiographQuerySet) -> RadiographQuerySet:
    """Return those on which the user has given a verdict: what is counted over few others would tell their answers."""
    own = Review.objects.by(user).filter(radiograph=OuterRef("pk"))
    return radiographs.filter(Exists(own))


def show_or_hide(user: Any, radiographs: Iterable[Radiograph], blinded: bool | None = None) -> set[uuid.UUID]:
    """Mark the predictions that are not shown, write down that the others are, and return whose are hidden."""
    shown = list(radiographs)
    hidden = hidden_from(user, shown, blinded)
    for radiograph in shown:
        radiograph.is_hidden = radiograph.pk in hidden
    disclose(user, [radiograph for radiograph in shown if radiograph.pk not in hidden])
    return hidden


def refuse_while_hidden(user: Any, radiograph: Radiograph) -> None:
    """Raise Http404, which says why, where the user must read it first."""
    if show_or_hide(user, [radiograph]):
        raise Http404(_("You read blinded: give your verdict first, and this is there for you."))


def disclose(user: Any, radiographs: Iterable[Radiograph]) -> None:
    """Write down that the answers to those which others have uploaded are shown to the user."""
    others = {radiograph.pk for radiograph in radiographs if radiograph.owner_id != user.pk and radiograph.outcome}
    if not others:
        return
    known = Disclosure.objects.filter(user=user, radiograph__in=others).values_list("radiograph", flat=True)
    if new := others - set(known):
        Disclosure.objects.bulk_create([Disclosure(user=user, radiograph_id=pk) for pk in new], ignore_conflicts=True)


def disclose_all(user: Any) -> None:
    """Write down that the user was given the answers to many at once."""
    Reader.objects.update_or_create(user=user, defaults={"all_shown": timezone.now()})


def given_by_api(user: Any) -> None:
    """Write down that a program asked in the name of a user who reads blinded; it is answered all the same."""
    if is_blinded(user):
        disclose_all(user)


def given_by_call(users: Iterable[Any], radiograph: Radiograph) -> None:
    """Write down that a program of theirs was told the answer: of those who read blinded, to their own as well.

    In a transaction. Of what was deleted during the call, nothing is left to be read blinded.
    """
    if not type(radiograph).objects.select_for_update().filter(pk=radiograph.pk).first():
        return
    blinded = Reader.objects.filter(user__in=list(users), blinded=True).values_list("user", flat=True)
    given = [Disclosure(user_id=user, radiograph=radiograph) for user in blinded]
    Disclosure.objects.bulk_create(given, ignore_conflicts=True)


def was_shown(user: Any, radiograph: Radiograph) -> bool:
    """Whether an answer to the radiograph may have been seen by the user already."""
    if Review.objects.by(user).filter(radiograph=radiograph).exists():
        return True  # it is shown after the verdict
    if not (answered := _first_answer(radiograph)):
        return False
    if Disclosure.objects.filter(user=user, radiograph=radiograph).exists():
        return True
    reader = Reader.objects.filter(user=user).first() or Reader(user=user)
    if reader.all_shown and answered <= reader.all_shown:
        return True
    return radiograph.owner_id == user.pk and not (reader.blinded_since and answered >= reader.blinded_since)


def _first_answer(radiograph: Radiograph) -> datetime | None:
    answered = radiograph.predictions.filter(probability__isnull=False).order_by("finished_at")
    moment: datetime | None = answered.values_list("finished_at", flat=True).first()
    return moment


def newest_answer(radiograph: Radiograph) -> Prediction | None:
    """Return what the network says of it, answer or refusal; None before."""
    newest = radiograph.prediction
    return newest if newest.pk and newest.is_final else None
