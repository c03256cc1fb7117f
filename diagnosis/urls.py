from django.urls import path

from diagnosis import model_views, views

app_name = "diagnosis"
urlpatterns = [
    path("", views.upload, name="upload"),
    path("radiographs/", views.history, name="history"),
    path("radiographs/outcomes/", views.outcomes, name="outcomes"),
    path("radiographs/<uuid:pk>/", views.radiograph, name="radiograph"),
    path("radiographs/<uuid:pk>/status/", views.status, name="status"),
    path("radiographs/<uuid:pk>/image/", views.image, name="image"),
    path("radiographs/<uuid:pk>/delete/", views.delete, name="delete"),
    path("models/", model_views.models, name="models"),
    path("models/<str:version>/", model_views.model, name="model"),
]
