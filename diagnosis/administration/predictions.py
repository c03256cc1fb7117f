"""Predictions for the administrator: found by status, reason, version and day; tried again, or called off."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from diagnosis.administration.filters import DayFilter, ReasonFilter, StatusFilter, VersionFilter
from diagnosis.administration.paging import ReadOnlyAdmin, newest_of
from diagnosis.asking_again import classify_again
from diagnosis.models import Prediction, Radiograph
from diagnosis.translation import decimal

#: So many are tried again or called off at once: each takes some queries.
MOST_AT_ONCE = 1000
#: So many X-rays of a user, or of a name, that is searched for.
MOST_SEARCHED = 1000
#: What takes room, and is not shown in lists.
LONG = ("activation_map", "reason_parts", "model_version__card", "radiograph__acquisition")
NOT_SUCCEEDED = (Prediction.Status.REFUSED, Prediction.Status.FAILED)


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """Without filters by label and band: of a rare one, all rows would be read to find a page of them."""

    list_display = (
        "radiograph", "status", "reason_code", "label", "percent", "band", "model_version", "attempts", "seconds",
        "queued_at",
    )  # fmt: skip
    list_filter = (("status", StatusFilter), ("queued_at", DayFilter), ("model_version", VersionFilter), ReasonFilter)
    list_select_related = ("radiograph", "model_version")
    sortable_by = ("queued_at",)
    found_by = ("radiograph", "pk", "radiograph__sha256")
    search_help_text = gettext_lazy(
        "An id or a SHA-256 in full; a user name in full, for that user’s newest 1,000 X-rays; or a part of a file "
        "name, among the newest 10,000 X-rays."
    )
    actions = ("classify_again", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prediction]:
        return super().get_queryset(request).select_related("radiograph", "model_version").defer(*LONG)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Prediction], search_term: str
    ) -> tuple[QuerySet[Prediction], bool]:
        """No index sorts predictions by owner or file name, so only those of some radiographs are sorted here."""
        found, _ = super().get_search_results(request, queryset, search_term)
        if not (term := search_term.strip()) or found.exists():
            return found, False
        if owner := User.objects.filter(username=term).first():
            radiographs: QuerySet[Radiograph] = Radiograph.objects.owned_by(owner)
        else:
            radiographs = newest_of(Radiograph.objects.filter(filename__icontains=term), "-created")
        newest = radiographs.order_by("-created", "-pk").values("pk")
        return queryset.filter(radiograph__in=newest[:MOST_SEARCHED]), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a radiograph is deleted whole

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("diagnosis.change_prediction")

    @admin.action(description=gettext_lazy("Classify again those that were refused or failed"), permissions=["steer"])
    def classify_again(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        chosen, unsuccessful = (
            Radiograph.objects.filter(pk__in=each.order_by().values("radiograph"))
            for each in (queryset, queryset.filter(status__in=NOT_SUCCEEDED))
        )
        radiographs = unsuccessful[: MOST_AT_ONCE + 1]
        if self._are_too_many(request, len(radiographs)):
            return
        all_chosen = chosen.count()
        queued = len(classify_again(radiographs, newest_is=NOT_SUCCEEDED))
        sentence = ngettext(
            "{number} X-ray is classified again by the active version.",
            "{number} X-rays are classified again by the active version.",
            queued,
        )
        self._tell(request, sentence.format(number=queued), left=all_chosen - queued)

    @admin.action(description=gettext_lazy("Cancel those that are waiting"), permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        """One that a worker has begun is left to it: it ends within seconds."""
        waiting = queryset.filter(status=Prediction.Status.PENDING)[: MOST_AT_ONCE + 1]
        if self._are_too_many(request, len(waiting)):
            return
        all_chosen = queryset.count()  # where only those that wait are listed, they are fewer afterwards
        cancelled = sum(each.cancel() for each in waiting)
        sentence = ngettext("{number} prediction is cancelled.", "{number} predictions are cancelled.", cancelled)
        self._tell(request, sentence.format(number=cancelled), left=all_chosen - cancelled)

    def _are_too_many(self, request: HttpRequest, number: int) -> bool:
        if number > MOST_AT_ONCE:
            self.message_user(request, _("At most 1,000 at once. Select fewer."), messages.ERROR)
        return number > MOST_AT_ONCE

    def _tell(self, request: HttpRequest, sentence: str, left: int) -> None:
        self.message_user(request, sentence, messages.SUCCESS)
        if left:
            sentence = ngettext(
                "{number} was left as it is, since this does not apply to it, or no longer.",
                "{number} were left as they are, since this does not apply to them, or no longer.",
                left,
            )
            self.message_user(request, sentence.format(number=left), messages.WARNING)

    @admin.display(description=gettext_lazy("probability"))
    def percent(self, prediction: Prediction) -> str:
        return "–" if prediction.probability is None else decimal(f"{prediction.probability:.1%}")

    @admin.display(description=gettext_lazy("seconds, queued to final"))
    def seconds(self, prediction: Prediction) -> str:
        if prediction.finished_at is None:
            return "–"
        return decimal(f"{(prediction.finished_at - prediction.queued_at).total_seconds():.2f}")
