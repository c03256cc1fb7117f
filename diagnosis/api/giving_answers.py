"""What programs are told in a reader's name is written down: a verdict after it was not given blind."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from diagnosis.models import Radiograph
from diagnosis.reviewing.blinding import disclose, given_by_api

#: What is answered without a word of the network.
TELLS_NOTHING = ("OPTIONS", "DELETE")


class GivesAnswers:
    """Mixed into views that say what the network says; before APIView among the bases."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method in TELLS_NOTHING:
            return
        given_by_api(request.user)
        if pk := kwargs.get("pk"):
            seen = Radiograph.objects.visible_to(request.user)
            disclose(request.user, seen.exclude(owner=request.user.pk).filter(pk=pk))
