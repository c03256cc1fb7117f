"""What programs are told in the name of somebody who reads blinded is written down."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from diagnosis.reviewing.blinding import given_by_api

#: What is answered without a word of the network.
TELLS_NOTHING = ("OPTIONS", "DELETE")


class GivesAnswers:
    """Mixed into views that say what the network says; before APIView among the bases."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method not in TELLS_NOTHING:
            given_by_api(request.user)
