from django.apps import AppConfig


class DiagnosisConfig(AppConfig):
    name = "diagnosis"
    verbose_name = "Diagnosis"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_reset
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import post_migrate

        from diagnosis.audit import guard, listening
        from diagnosis.people.adapter import end_all_logins
        from diagnosis.people.language import remember

        user_logged_in.connect(remember)
        password_changed.connect(end_all_logins)
        password_reset.connect(end_all_logins)
        listening.listen()
        post_migrate.connect(guard.put_up, sender=self)
