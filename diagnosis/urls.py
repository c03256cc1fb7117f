from django.urls import include, path

from diagnosis.pages import chosen, deleting, history, models, pictures, result, saved_filters, upload
from diagnosis.pages import help as help_pages

app_name = "diagnosis"
urlpatterns = [
    path("", upload.upload, name="upload"),
    path("uploads/states/", upload.states, name="upload_states"),
    path("help/", help_pages.help_page, name="help"),
    path("help/sample.png", help_pages.sample, name="sample"),
    path("help/sample/", help_pages.try_sample, name="try_sample"),
    path("radiographs/", history.history, name="history"),
    path("radiographs/export.csv", history.export, {"kind": "csv"}, name="export"),
    path("radiographs/export.json", history.export, {"kind": "json"}, name="export"),
    path("radiographs/filters/", saved_filters.save, name="save_filter"),
    path("radiographs/filters/<int:pk>/forget/", saved_filters.forget, name="forget_filter"),
    path("radiographs/chosen/delete/", chosen.delete, name="delete_chosen"),
    path("radiographs/chosen/tag/", chosen.set_tag, {"is_on": True}, name="tag_chosen"),
    path("radiographs/chosen/untag/", chosen.set_tag, {"is_on": False}, name="untag_chosen"),
    path("radiographs/chosen/classify/", chosen.classify, name="classify_chosen"),
    path("radiographs/chosen/export.csv", chosen.export, {"kind": "csv"}, name="export_chosen"),
    path("radiographs/chosen/export.json", chosen.export, {"kind": "json"}, name="export_chosen"),
    path("radiographs/outcomes/", history.outcomes, name="outcomes"),
    path("radiographs/<uuid:pk>/", result.radiograph, name="radiograph"),
    path("radiographs/<uuid:pk>/status/", result.status, name="status"),
    path("radiographs/reports/", result.reports, name="reports"),
    path("radiographs/<uuid:pk>/heatmap/", result.heatmap, name="heatmap"),
    path("radiographs/<uuid:pk>/report/", result.report, name="report"),
    path("radiographs/<uuid:pk>/image/", pictures.image, name="image"),
    path("radiographs/<uuid:pk>/thumbnail/", pictures.thumbnail, name="thumbnail"),
    path("radiographs/<uuid:pk>/again/", upload.again, name="again"),
    path("radiographs/<uuid:pk>/delete/", deleting.delete, name="delete"),
    path("accounts/", include("diagnosis.pages.account.urls")),
    path("accounts/", include("diagnosis.people.urls")),
    path("models/", models.models, name="models"),
    path("models/<str:version>/", models.model, name="model"),
]
