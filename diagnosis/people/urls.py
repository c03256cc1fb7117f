"""Addresses below accounts/ that are the platform's own; allauth's come after them."""

from django.urls import path

from diagnosis.pages import leaving, my_data, notices, webhooks

urlpatterns = [
    path("notices/", notices.notices, name="notices"),
    path("webhooks/", webhooks.add, name="add_webhook"),
    path("webhooks/<int:pk>/", webhooks.webhook, name="webhook"),
    path("webhooks/<int:pk>/ping/", webhooks.ping, name="ping_webhook"),
    path("webhooks/<int:pk>/pause/", webhooks.pause, name="pause_webhook"),
    path("webhooks/<int:pk>/resume/", webhooks.resume, name="resume_webhook"),
    path("webhooks/<int:pk>/secret/", webhooks.rotate, name="rotate_webhook"),
    path("webhooks/<int:pk>/delete/", webhooks.delete, name="delete_webhook"),
    path("webhooks/<int:pk>/deliveries/<uuid:delivery>/", webhooks.redeliver, name="redeliver"),
    path("my-data/", my_data.my_data, name="my_data"),
    path("my-data.zip", my_data.download, name="my_data_zip"),
    path("delete/", leaving.leave, name="leave"),
    path("deleted/", leaving.left, name="left"),
]
