from django.urls import path

from diagnosis.api import export_views, model_views, prediction_views, result_views, review_views, views

app_name = "api"
urlpatterns = [
    path("auth/token/", views.TokenView.as_view(), name="token"),
    path("radiographs/", views.RadiographsView.as_view(), name="radiographs"),
    path("radiographs/export.csv", export_views.ExportView.as_view(), {"kind": "csv"}, name="export"),
    path("radiographs/export.json", export_views.ExportView.as_view(), {"kind": "json"}, name="export"),
    path("radiographs/<uuid:pk>/", views.RadiographView.as_view(), name="radiograph"),
    path("models/", model_views.ModelsView.as_view(), name="models"),
    path("models/<str:version>/", model_views.ModelView.as_view(), name="model"),
    path("radiographs/<uuid:pk>/predictions/", prediction_views.PredictionsView.as_view(), name="predictions"),
    path("radiographs/<uuid:pk>/reviews/", review_views.ReviewsView.as_view(), name="reviews"),
    path("radiographs/<uuid:pk>/image/", views.ImageView.as_view(), name="image"),
    path("radiographs/<uuid:pk>/heatmap/", result_views.HeatmapView.as_view(), name="heatmap"),
    path("radiographs/<uuid:pk>/report/", result_views.ReportView.as_view(), name="report"),
]
