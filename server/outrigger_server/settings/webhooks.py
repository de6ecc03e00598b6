"""Settings of how the ends of runs are told."""

from pydantic import Field, SecretStr

from outrigger_server.settings.group import SettingsGroup


class WebhookSettings(SettingsGroup):
    """How the ends of runs are told to webhooks; which may be called is in langgraph.json."""

    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signs webhooks (`X-Outrigger-Signature`); without it they are not signed.",
        json_schema_extra={"shown_default": "none"},
    )
    webhook_timeout_seconds: float = Field(
        default=10.0, ge=0.1, le=300, description="Time a webhook has to answer."
    )
    webhook_max_tries: int = Field(
        default=10, ge=1, le=100, description="Tries after which a webhook is given up."
    )
    webhook_max_age_seconds: float = Field(
        default=86400.0,
        ge=1,
        le=2_592_000,
        description="Time since its run's end after which a webhook is not tried again.",
    )
    webhook_senders: int = Field(
        default=4, ge=1, le=100, description="Webhooks that one process calls at once."
    )
