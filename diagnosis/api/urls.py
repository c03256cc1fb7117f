from django.urls import path

from diagnosis.api import views

app_name = "api"
urlpatterns = [
    path("auth/token/", views.TokenView.as_view(), name="token"),
    path("radiographs/", views.RadiographsView.as_view(), name="radiographs"),
    path("radiographs/<uuid:pk>/", views.RadiographView.as_view(), name="radiograph"),
    path("radiographs/<uuid:pk>/image/", views.ImageView.as_view(), name="image"),
]
