from django.urls import path

from diagnosis.api import (
    export_views,
    group_views,
    model_views,
    prediction_views,
    result_views,
    review_views,
    token_views,
    views,
    webhook_views,
)
from diagnosis.api.openapi import views as openapi

app_name = "api"
urlpatterns = [
    path("schema/", openapi.SchemaView.as_view(), name="schema"),
    path("docs/", openapi.docs, name="docs"),
    path("auth/token/", views.TokenView.as_view(), name="token"),
    path("auth/tokens/", token_views.TokensView.as_view(), name="tokens"),
    path("auth/tokens/<int:pk>/", token_views.TokenDetailView.as_view(), name="token_detail"),
    path("radiographs/", views.RadiographsView.as_view(), name="radiographs"),
    path("radiographs/export.csv", export_views.CsvExportView.as_view(), name="export-csv"),
    path("radiographs/export.json", export_views.JsonExportView.as_view(), name="export-json"),
    path("radiographs/<uuid:pk>/", views.RadiographView.as_view(), name="radiograph"),
    path("groups/", group_views.GroupsView.as_view(), name="groups"),
    path("models/", model_views.ModelsView.as_view(), name="models"),
    path("models/<str:version>/", model_views.ModelView.as_view(), name="model"),
    path("radiographs/<uuid:pk>/predictions/", prediction_views.PredictionsView.as_view(), name="predictions"),
    path("radiographs/<uuid:pk>/reviews/", review_views.ReviewsView.as_view(), name="reviews"),
    path("radiographs/<uuid:pk>/image/", views.ImageView.as_view(), name="image"),
    path("radiographs/<uuid:pk>/heatmap/", result_views.HeatmapView.as_view(), name="heatmap"),
    path("radiographs/<uuid:pk>/report/", result_views.ReportView.as_view(), name="report"),
    path("webhooks/", webhook_views.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<int:pk>/", webhook_views.WebhookView.as_view(), name="webhook"),
    path("webhooks/<int:pk>/ping/", webhook_views.PingView.as_view(), name="ping"),
    path("webhooks/<int:pk>/deliveries/", webhook_views.DeliveriesView.as_view(), name="deliveries"),
    path("webhooks/<int:pk>/deliveries/<uuid:delivery>/", webhook_views.DeliveryView.as_view(), name="delivery"),
]
