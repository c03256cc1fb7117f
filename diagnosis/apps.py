from django.apps import AppConfig


class DiagnosisConfig(AppConfig):
    name = "diagnosis"
    verbose_name = "Diagnosis"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_reset

        from diagnosis import accounts

        password_changed.connect(accounts.revoke_tokens)
        password_reset.connect(accounts.revoke_tokens)
