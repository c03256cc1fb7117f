"""An example of each thing that is sent or answered, by the name that the schema gives it.

Whoever adds a serializer adds its example here; a test fails until then, and where an example does not fit.
"""

from __future__ import annotations

from typing import Any

RADIOGRAPH_ID = "6424c38f-6a2c-4a52-9f0e-3c1c2a7d9b10"
API = "http://127.0.0.1:8000/api/v1"
RADIOGRAPH_URL = f"{API}/radiographs/{RADIOGRAPH_ID}/"
VERSION = "2026.11-a"
GROUP_ID, TOKEN_ID, WEBHOOK_ID = 12, 17, 3
DELIVERY_ID = "b1f0c2de-8a47-4d0b-9d52-7f6f0a3f1c11"
HOOK = "https://ris.example.org/pneumodetect"

REFUSAL = {"code": "not_a_chest", "detail": "The image does not look like a chest X-ray."}
PREDICTION = {
    "id": 4711,
    "status": "succeeded",
    "label": "PNEUMONIA",
    "probability": 0.94,
    "threshold": 0.41,
    "band": "likely",
    "refusal": None,
    "error": None,
    "model_version": VERSION,
    "heatmap_url": f"{RADIOGRAPH_URL}heatmap/",
    "report_url": f"{RADIOGRAPH_URL}report/",
    "queued_at": "2026-11-25T14:30:00.120000Z",
    "started_at": "2026-11-25T14:30:00.134000Z",
    "finished_at": "2026-11-25T14:30:00.181000Z",
}
RADIOGRAPH = {
    "id": RADIOGRAPH_ID,
    "url": RADIOGRAPH_URL,
    "created": "2026-11-25T14:30:00.118000Z",
    "filename": "chest.dcm",
    "format": "DICOM",
    "width": 1400,
    "height": 1100,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "status": "succeeded",
    "prediction": PREDICTION,
    "acquisition": {"age": 4.0, "sex": "F", "view": "AP", "modality": "DX"},
    "warnings": [],
    "source": "api",
    "tags": ["follow-up"],
    "owner": "demo",
    "group": GROUP_ID,
    "image_removed_at": None,
}
PROBLEM = {
    "type": "about:blank",
    "title": "Unsupported Media Type",
    "status": 415,
    "detail": "This is a PDF document. Send a JPEG, PNG, WebP, TIFF or DICOM file.",
}
BATCH = {
    "results": [
        {"name": "chest.dcm", "radiograph": RADIOGRAPH, "problem": None},
        {"name": "scan.pdf", "radiograph": None, "problem": PROBLEM},
    ],
    "skipped": 0,
}
MODEL = {
    "version": VERSION,
    "url": f"{API}/models/{VERSION}/",
    "active": True,
    "published": "2026-11-20T09:00:00Z",
    "network_sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "card": {"version": VERSION, "threshold": 0.41, "class_names": ["NORMAL", "PNEUMONIA"]},
}
REVIEW = {
    "id": 208,
    "reader": "demo",
    "label": "PNEUMONIA",
    "comment": "Consolidation in the right lower lobe.",
    "created": "2026-11-25T14:41:07.500000Z",
    "current": True,
    "blinded": True,
    "prediction": 4711,
}
WEBHOOK = {
    "id": WEBHOOK_ID,
    "url": HOOK,
    "events": ["prediction.final"],
    "paused": False,
    "failing_since": None,
    "created": "2026-11-25T09:12:00Z",
}
DELIVERY = {
    "id": DELIVERY_ID,
    "event": "prediction.final",
    "created": "2026-11-25T14:30:00.181000Z",
    "state": "sent",
    "attempts": 1,
    "next_attempt": None,
    "sent_at": "2026-11-25T14:30:00.420000Z",
    "status_code": 204,
    "answer": "",
    "seconds": 0.12,
    "problem": "",
}
TOKEN = {
    "id": TOKEN_ID,
    "name": "Night shift",
    "prefix": "pneumo_6f1ed002",
    "scope": "read",
    "created": "2026-11-25T14:30:00Z",
    "last_used": "2026-11-25T14:31:00Z",
    "expiry": "2027-02-23T14:30:00Z",
    "is_current": True,
}
EXAMPLES: dict[str, Any] = {
    "AgainRequest": {"model_version": VERSION},
    "ApiToken": TOKEN,
    "Batch": BATCH,
    "CredentialsRequest": {
        "username": "demo",
        "password": "correct horse battery",
        "otp": "123456",
        "name": "Night shift",
        "scope": "write",
    },
    "Deliveries": {"results": [DELIVERY]},
    "Delivery": DELIVERY,
    "Group": {"id": GROUP_ID, "name": "Ward 4", "role": "member", "since": "2026-11-02T08:00:00Z"},
    "ModelVersion": MODEL,
    "NewWebhookRequest": {"url": HOOK, "events": ["prediction.final"]},
    "Prediction": PREDICTION,
    "Problem": PROBLEM,
    "Radiograph": RADIOGRAPH,
    "Review": REVIEW,
    "SecretWebhook": {**WEBHOOK, "secret": "pdwh_3q2-7wErAB0x8dZ6yqO1fHkT4mUc9sPvLnGiJbRtYeA"},
    "SharingRequest": {"group": GROUP_ID},
    "Token": {"token": "pneumo_6f1ed002ab5595859014ebf0951522d9", "expiry": "2027-02-23T14:30:00Z"},
    "VerdictRequest": {"label": "PNEUMONIA", "comment": "Consolidation in the right lower lobe."},
    "Webhook": WEBHOOK,
    "WebhookChangeRequest": {"paused": True},
    "Webhooks": {"results": [WEBHOOK]},
}
#: The ids in addresses, by what they begin with.
IDS: dict[str, Any] = {"radiographs": RADIOGRAPH_ID, "auth": TOKEN_ID, "webhooks": WEBHOOK_ID}


def values_of(path: str) -> dict[str, Any]:
    """Return what stands in an address below API."""
    return {"id": IDS.get(path.split("/")[0]), "version": VERSION, "delivery": DELIVERY_ID}
