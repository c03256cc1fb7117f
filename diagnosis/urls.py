from django.urls import path

from diagnosis import help_views, model_views, result_views, upload_views, views

app_name = "diagnosis"
urlpatterns = [
    path("", upload_views.upload, name="upload"),
    path("uploads/states/", upload_views.states, name="upload_states"),
    path("help/", help_views.help_page, name="help"),
    path("help/sample.png", help_views.sample, name="sample"),
    path("help/sample/", help_views.try_sample, name="try_sample"),
    path("radiographs/", views.history, name="history"),
    path("radiographs/outcomes/", views.outcomes, name="outcomes"),
    path("radiographs/<uuid:pk>/", result_views.radiograph, name="radiograph"),
    path("radiographs/<uuid:pk>/status/", result_views.status, name="status"),
    path("radiographs/reports/", result_views.reports, name="reports"),
    path("radiographs/<uuid:pk>/heatmap/", result_views.heatmap, name="heatmap"),
    path("radiographs/<uuid:pk>/report/", result_views.report, name="report"),
    path("radiographs/<uuid:pk>/image/", views.image, name="image"),
    path("radiographs/<uuid:pk>/again/", upload_views.again, name="again"),
    path("radiographs/<uuid:pk>/delete/", views.delete, name="delete"),
    path("models/", model_views.models, name="models"),
    path("models/<str:version>/", model_views.model, name="model"),
]
