from django.urls import path

from diagnosis import help_views, views

app_name = "diagnosis"
urlpatterns = [
    path("", views.upload, name="upload"),
    path("help/", help_views.help_page, name="help"),
    path("help/sample.png", help_views.sample, name="sample"),
    path("help/sample/", help_views.try_sample, name="try_sample"),
    path("radiographs/", views.history, name="history"),
    path("radiographs/outcomes/", views.outcomes, name="outcomes"),
    path("radiographs/<uuid:pk>/", views.radiograph, name="radiograph"),
    path("radiographs/<uuid:pk>/status/", views.status, name="status"),
    path("radiographs/<uuid:pk>/image/", views.image, name="image"),
    path("radiographs/<uuid:pk>/delete/", views.delete, name="delete"),
]
