"""What the schema says of each call beyond what its view and serializer say themselves."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_view

from diagnosis.api.openapi.serializers import BatchSerializer, TokenSerializer, VerdictSerializer
from diagnosis.api.serializers import CredentialsSerializer, RadiographSerializer, SharingSerializer
from diagnosis.history.filters import DayOrMoment, FilterForm

FILES: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary"},
            "description": "JPEG, PNG, WebP, TIFF or DICOM; several of them; or zips of them.",
        },
        "group": {"type": "integer", "description": "The id of one of your groups, to share what is sent with it."},
    },
    "required": ["file"],
}
#: An empty filter is none, as a form sends it.
DAY: dict[str, Any] = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}, {"const": ""}]
}
BINARY = {"type": "string", "format": "binary"}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """For Knox's tokens, and whatever comes to be built on them."""

    target_class = "knox.auth.TokenAuthentication"
    match_subclasses = True
    priority = 1
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        hint = "`Token …`, with a token from `auth/token/`."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": hint}


def filter_parameters() -> list[OpenApiParameter]:
    """Return the parameters of FilterForm, so that a further filter is documented as it is added."""
    return [
        OpenApiParameter(
            name,
            type=DAY if isinstance(field, DayOrMoment) else str,
            description=str(field.help_text or field.label),
            enum=_choices(field),
        )
        for name, field in FilterForm.base_fields.items()
    ]


def _choices(field: Any) -> list[str] | None:
    """Return what may be chosen; None where the database alone knows."""
    values = {value for value, _ in getattr(field, "choices", ())} - {""}
    return ["", *sorted(values)] if values else None


PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait=N` holds the answer until each prediction is final, for at most N seconds, of 30 at most.",
)
PREDICTION = OpenApiParameter("prediction", int, description="The id of an earlier prediction instead of the newest.")

token_view = extend_schema_view(
    post=extend_schema(
        operation_id="token_create",
        summary="Get a token for a username and a password",
        request=CredentialsSerializer,
        responses=TokenSerializer,
    )
)
tokens_view = extend_schema_view(
    get=extend_schema(summary="List your tokens, the newest first", description="Not what they are: that is not kept.")
)
one_token_view = extend_schema_view(
    get=extend_schema(summary="Get what is known of a token", description=""),
    delete=extend_schema(summary="Revoke a token", description="Whoever uses it is let in no more."),
)
groups_view = extend_schema_view(
    get=extend_schema(
        operation_id="groups_list",
        summary="List the groups that you are in",
        description="Their ids are those of `group`, as filter, at an upload and of a radiograph.",
    )
)
radiographs_view = extend_schema_view(
    get=extend_schema(
        summary="List radiographs, the newest first",
        description="What all filters leave, page by page: `next` and `previous` are addresses.",
        parameters=filter_parameters(),
    ),
    post=extend_schema(
        summary="Upload one image, several, or zips of images",
        description="One image is answered with its radiograph; several, and a zip, with a result for each of them.",
        request={"multipart/form-data": FILES},
        parameters=[PREFER],
        responses={
            201: PolymorphicProxySerializer(
                "Uploaded", [RadiographSerializer, BatchSerializer], resource_type_field_name=None
            )
        },
    ),
)
radiograph_view = extend_schema_view(
    get=extend_schema(summary="Get a radiograph with its newest prediction", description=""),
    patch=extend_schema(
        summary="Share a radiograph with a group, or with nobody",
        description="Its owner may do both, the owner of its group the latter.",
        request=SharingSerializer,
    ),
    delete=extend_schema(summary="Delete a radiograph with its files", description=""),
)
image_view = extend_schema_view(
    get=extend_schema(
        summary="Get the picture of a radiograph",
        description="8 bits of grey, at most 2048 pixels on a side. 409 until a worker has made it.",
        responses={(200, "image/png"): BINARY},
    )
)
heatmap_view = extend_schema_view(
    get=extend_schema(
        summary="Get the heat map of a prediction",
        description="To be stretched over the radiograph.",
        parameters=[PREDICTION],
        responses={(200, "image/png"): BINARY},
    )
)
report_view = extend_schema_view(
    get=extend_schema(
        summary="Get the report on a prediction",
        description="One page, tagged for screen readers.",
        parameters=[PREDICTION],
        responses={(200, "application/pdf"): BINARY},
    )
)
predictions_view = extend_schema_view(
    get=extend_schema(summary="List all predictions on a radiograph, the newest first", description=""),
    post=extend_schema(summary="Have a radiograph classified again", description="Earlier predictions stay."),
)
reviews_view = extend_schema_view(
    get=extend_schema(
        summary="List all verdicts on a radiograph, the newest first",
        description="Corrected ones too. Who reads blinded gets those of others after giving one.",
    ),
    post=extend_schema(
        summary="Give a verdict on a radiograph",
        description="It takes the place of your earlier one, which stays in the list.",
        request=VerdictSerializer,
    ),
)
webhooks_view = extend_schema_view(
    get=extend_schema(operation_id="webhooks_list", summary="List your webhooks", description=""),
    post=extend_schema(
        operation_id="webhooks_create",
        summary="Add a webhook",
        description="The answer alone holds its secret. It is called on trial at once.",
    ),
)
webhook_view = extend_schema_view(
    get=extend_schema(summary="Get a webhook", description=""),
    patch=extend_schema(summary="Change, pause or resume a webhook", description=""),
    delete=extend_schema(summary="Delete a webhook with its log", description=""),
)
ping_view = extend_schema_view(
    post=extend_schema(summary="Have a webhook called on trial", description="409 while it is paused.")
)
deliveries_view = extend_schema_view(
    get=extend_schema(summary="List the newest calls of a webhook", description="At most 100.")
)
delivery_view = extend_schema_view(
    post=extend_schema(
        summary="Send a call of a webhook again",
        description="As it was. 409 while it is paused, or the X-ray is no longer shared with the group.",
    )
)
models_view = extend_schema_view(
    get=extend_schema(summary="List the versions of the network with their cards, the newest first", description="")
)
model_view = extend_schema_view(
    get=extend_schema(summary="Get a version of the network with its card", description="")
)


def exported(kind: str, content_type: str) -> Any:
    """Say what the address for a kind of export answers."""
    rows = {"type": "array", "items": {"type": "object"}}
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"radiographs_export_{kind}",
            summary=f"Export all columns of what the filters leave as {kind.upper()}",
            description="Sent while it is read, however long.",
            parameters=filter_parameters(),
            responses={(200, content_type): BINARY if kind == "csv" else rows},
        )
    )
