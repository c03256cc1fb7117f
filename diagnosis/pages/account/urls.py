"""Pages of one's account beside those of allauth, below ``accounts/``."""

from django.urls import path

from diagnosis.pages.account import profile, sessions, tokens

urlpatterns = [
    path("profile/", profile.profile, name="profile"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="revoke_token"),
    path("tokens/revoke/", tokens.revoke_all, name="revoke_tokens"),
    path("sessions/", sessions.sessions, name="sessions"),  # in place of allauth's, which asks the database much more
    path("sessions/<int:pk>/end/", sessions.end, name="end_session"),
    path("sessions/end/", sessions.end_others, name="end_other_sessions"),
]
