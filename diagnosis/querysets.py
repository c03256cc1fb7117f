"""What is asked of the rows, and the claim on a prediction: a conditional UPDATE makes one worker of many win."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from diagnosis.audit.models import Kind, Verb
from diagnosis.audit.recording import record_each
from diagnosis.engine.sentences import sentence
from diagnosis.people.groups import ReadingGroup

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from diagnosis.models import ModelVersion, Prediction, Radiograph  # noqa: F401  (in the bases)
    from diagnosis.predicting import AbstractPrediction

#: A group may hold more radiographs than are to be held in memory.
MANY = 5000

Job = TypeVar("Job", bound="AbstractPrediction")


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def offered(self) -> Self:
        """Those that users may ask. One that answers silently is for the administrator alone."""
        return self.filter(shadow=False)

    def previous(self) -> ModelVersion | None:
        """The version that was active before the one that is; None where no other ever was."""
        return self.filter(active=False, activated__isnull=False).order_by("-activated").first()


class RadiographQuerySet(models.QuerySet["Radiograph"]):
    def owned_by(self, user: AbstractBaseUser | Any) -> Self:
        return self.filter(owner=user)

    def visible_to(self, user: AbstractBaseUser | Any) -> Self:
        """Those that the user may look at and review; changing and deleting is for :meth:`owned_by`.

        For a few by their ids. A list goes by :meth:`owned_by` or :meth:`in_group`, each of which has its indexes.
        """
        return self.filter(Q(owner=user) | Q(group__in=ReadingGroup.objects.of(user)))

    def in_group(self, group: ReadingGroup | Any) -> Self:
        """Those that are shared with a group. Whether the user is in it, the caller has asked."""
        return self.filter(group=group)

    def unshare(self, by: AbstractBaseUser | Any) -> int:
        """Take out of their groups those that are the user's own, or that are in a group which the user owns."""
        return self.filter(Q(owner=by) | Q(group__in=ReadingGroup.objects.owned_by(by))).end_sharing()

    def end_sharing(self) -> int:
        """Take all of these out of their groups. Of two who do so at once, one ends and records it."""
        shared = self.filter(group__isnull=False)
        ended = 0
        with transaction.atomic():
            while locked := list(shared.order_by().select_for_update().values_list("pk", flat=True)[:MANY]):
                ended += shared.filter(pk__in=locked).update(group=None)
                record_each(Verb.UNSHARED, Kind.RADIOGRAPH, locked)
        return ended

    def supervised_by(self, user: AbstractBaseUser | Any, groups: Iterable[ReadingGroup] | None = None) -> Self:
        """Those whose statistics the user may see: one's own, and those of groups that one owns or supervises.

        Whoever has read these groups hands them over: PostgreSQL enters an index by what it is told, not by what it
        would have to look up first.
        """
        of_groups = ReadingGroup.objects.supervised_by(user) if groups is None else list(groups)
        return self.filter(Q(owner=user) | Q(group__in=of_groups))

    def with_predictions(self, *unneeded: str) -> Self:
        """Fetch what :attr:`Radiograph.prediction` needs, in one query more however many rows there are."""
        from diagnosis.models import Prediction  # only here: models.py takes this class from this module

        predictions = Prediction.objects.select_related("model_version").order_by("-queued_at", "-pk")
        return self.prefetch_related(models.Prefetch("predictions", predictions.defer(*unneeded)))

    def listed(self) -> Self:
        """Fetch all that a list shows of its rows, in two queries more."""
        return (
            self.with_predictions("model_version__card")
            .select_related("owner__profile", "group", "removal")
            .prefetch_related("tags")
        )

    def follow_newest(self) -> int:
        """Copy what the newest prediction of each says to where lists are filtered by it.

        In the transaction that changed the prediction. Until that is final, nothing is said of it.
        """
        from diagnosis.models import Prediction
        from diagnosis.reviewing.following import follow_reviews

        final = When(status__in=Prediction.FINAL, then=F("status"))
        predictions = Prediction.objects.filter(radiograph=OuterRef("pk")).order_by("-queued_at", "-pk")
        newest = predictions.annotate(outcome=Case(final, default=Value("")))

        def copy(field: str) -> Subquery:
            return Subquery(newest.values(field)[:1])

        texts = {field: Coalesce(copy(field), Value("")) for field in ("outcome", "label", "band")}
        changed = self.update(**texts, probability=copy("probability"), model_version=copy("model_version"))
        reviewed = self.filter(reviewed__isnull=False)
        if reviewed.exists():  # most answers come before any reader, and that update is long to put together
            follow_reviews(reviewed)
        return changed


class JobQuerySet(models.QuerySet[Job]):
    """Predictions of either kind, as jobs: who may take them, and what becomes of those that nobody finishes."""

    def unfinished(self) -> Self:
        """Those that are not final, said so that each database finds them by their index, few among many."""
        return self.filter(finished_at__isnull=True)

    def unsuccessful(self) -> Self:
        """Those that were refused or failed, said so for the same reason."""
        return self.filter(finished_at__isnull=False, probability__isnull=True)

    def claimable(self, now: datetime) -> Self:
        """Pending ones, and running ones whose worker has let its lease run out."""
        waiting = Q(status=self.model.Status.PENDING)
        abandoned = Q(status=self.model.Status.RUNNING, lease_until__lt=now)
        return self.unfinished().filter(waiting | abandoned, attempts__lt=settings.MAX_ATTEMPTS)

    def claim(self, pk: int | None, worker: str) -> Job | None:
        """Take prediction ``pk``, or the oldest that can be taken; None where there is none.

        The conditional UPDATE makes sure that one claim of many wins. The attempt is counted before anything is
        decoded, so an image that ends its worker is tried ``MAX_ATTEMPTS`` times and not for ever.
        """
        if pk is not None and (prediction := self._claim(pk, worker)):
            return prediction
        while oldest := self.claimable(timezone.now()).order_by("queued_at").values_list("pk", flat=True).first():
            if prediction := self._claim(oldest, worker):
                return prediction
        return None

    def _claim(self, pk: int, worker: str) -> Job | None:
        now, token = timezone.now(), uuid.uuid4()
        claimed = self.claimable(now).filter(pk=pk)
        changed = claimed.update(
            status=self.model.Status.RUNNING,
            token=token,
            worker=worker,
            attempts=F("attempts") + 1,
            lease_until=now + settings.LEASE,
            started_at=now,
        )
        # Read back under the token: the lease may be over, and another's, before this line runs.
        return self.select_related("radiograph").filter(pk=pk, token=token).first() if changed else None

    def release(self) -> int:
        """Give running ones back, for another worker to claim at once. Their attempts stay counted."""
        return self.filter(status=self.model.Status.RUNNING).update(
            status=self.model.Status.PENDING, token=None, worker="", lease_until=None, started_at=None
        )

    def fail_exhausted(self) -> int:
        """End those that were tried as often as allowed without an answer; some hundred at a time."""
        now = timezone.now()
        unanswered = Q(status=self.model.Status.PENDING) | Q(status=self.model.Status.RUNNING, lease_until__lt=now)
        exhausted = self.unfinished().filter(unanswered, attempts__gte=settings.MAX_ATTEMPTS)
        if not (found := dict(exhausted.values_list("pk", "radiograph")[:500])):
            return 0
        with transaction.atomic():
            failed = exhausted.filter(pk__in=found)._fail(now)
            self._gave_up(found)
        return failed

    def _gave_up(self, failed: dict[int, uuid.UUID]) -> None:
        """Do what must happen together with the end of these; they are mapped to their radiographs."""

    def _fail(self, now: datetime) -> int:
        reason = sentence(
            "Reading this image was tried {attempts} times without an answer. "
            "Upload it again; if that fails too, export it anew.",
            attempts=settings.MAX_ATTEMPTS,
        )
        return self.update(
            status=self.model.Status.FAILED,
            token=None,
            lease_until=None,
            finished_at=now,
            reason_code="gave_up",
            reason=str(reason),
            reason_parts=reason.as_dict(),
        )


class PredictionQuerySet(JobQuerySet["Prediction"]):
    def _gave_up(self, failed: dict[int, uuid.UUID]) -> None:
        from diagnosis.models import Delivery, Radiograph

        Radiograph.objects.filter(pk__in=failed.values()).follow_newest()
        Delivery.objects.announce_predictions(failed)
