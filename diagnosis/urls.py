from django.urls import path

from diagnosis import upload_views, views

app_name = "diagnosis"
urlpatterns = [
    path("", upload_views.upload, name="upload"),
    path("uploads/states/", upload_views.states, name="upload_states"),
    path("radiographs/", views.history, name="history"),
    path("radiographs/outcomes/", views.outcomes, name="outcomes"),
    path("radiographs/<uuid:pk>/", views.radiograph, name="radiograph"),
    path("radiographs/<uuid:pk>/status/", views.status, name="status"),
    path("radiographs/<uuid:pk>/image/", views.image, name="image"),
    path("radiographs/<uuid:pk>/again/", upload_views.again, name="again"),
    path("radiographs/<uuid:pk>/delete/", views.delete, name="delete"),
]
