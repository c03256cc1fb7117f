from django.urls import path

from diagnosis import (
    chosen_views,
    filter_views,
    help_views,
    history_views,
    model_views,
    result_views,
    upload_views,
    views,
)

app_name = "diagnosis"
urlpatterns = [
    path("", upload_views.upload, name="upload"),
    path("uploads/states/", upload_views.states, name="upload_states"),
    path("help/", help_views.help_page, name="help"),
    path("help/sample.png", help_views.sample, name="sample"),
    path("help/sample/", help_views.try_sample, name="try_sample"),
    path("radiographs/", history_views.history, name="history"),
    path("radiographs/export.csv", history_views.export, {"kind": "csv"}, name="export"),
    path("radiographs/export.json", history_views.export, {"kind": "json"}, name="export"),
    path("radiographs/filters/", filter_views.save, name="save_filter"),
    path("radiographs/filters/<int:pk>/forget/", filter_views.forget, name="forget_filter"),
    path("radiographs/chosen/delete/", chosen_views.delete, name="delete_chosen"),
    path("radiographs/chosen/tag/", chosen_views.set_tag, {"is_on": True}, name="tag_chosen"),
    path("radiographs/chosen/untag/", chosen_views.set_tag, {"is_on": False}, name="untag_chosen"),
    path("radiographs/chosen/classify/", chosen_views.classify, name="classify_chosen"),
    path("radiographs/chosen/export.csv", chosen_views.export, {"kind": "csv"}, name="export_chosen"),
    path("radiographs/chosen/export.json", chosen_views.export, {"kind": "json"}, name="export_chosen"),
    path("radiographs/outcomes/", history_views.outcomes, name="outcomes"),
    path("radiographs/<uuid:pk>/", result_views.radiograph, name="radiograph"),
    path("radiographs/<uuid:pk>/status/", result_views.status, name="status"),
    path("radiographs/reports/", result_views.reports, name="reports"),
    path("radiographs/<uuid:pk>/heatmap/", result_views.heatmap, name="heatmap"),
    path("radiographs/<uuid:pk>/report/", result_views.report, name="report"),
    path("radiographs/<uuid:pk>/image/", views.image, name="image"),
    path("radiographs/<uuid:pk>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("radiographs/<uuid:pk>/again/", upload_views.again, name="again"),
    path("radiographs/<uuid:pk>/delete/", views.delete, name="delete"),
    path("models/", model_views.models, name="models"),
    path("models/<str:version>/", model_views.model, name="model"),
]
