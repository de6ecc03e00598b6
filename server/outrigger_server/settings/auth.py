"""Settings of who may come in."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from outrigger_server.settings.group import SettingsGroup, UserPath

LEAST_SECRET_BYTES = 32


def _check_jwt_secret(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value().encode()) < LEAST_SECRET_BYTES:
        msg = f"give {LEAST_SECRET_BYTES} bytes or more: whoever guesses it signs tokens"
        raise ValueError(msg)
    return secret


class AuthSettings(SettingsGroup):
    """Who may come in, unless `auth.path` of the langgraph.json says that."""

    auth: Literal["none", "api_key", "jwt"] = Field(
        default="none",
        description="Who may come in: none (everybody), api_key or jwt.",
    )
    api_keys_file: UserPath | None = Field(
        default=None,
        description="The API keys, a line name:hash each; `outrigger keys new NAME` makes one.",
        json_schema_extra={"shown_default": "none"},
    )
    jwt_algorithm: Literal["HS256", "RS256"] = Field(
        default="HS256", description="How tokens are signed; no other way is accepted."
    )
    jwt_secret: Annotated[SecretStr | None, AfterValidator(_check_jwt_secret)] = Field(
        default=None,
        description="The secret that HS256 tokens are signed with, 32 bytes at least.",
        json_schema_extra={"shown_default": "none"},
    )
    jwt_public_key_file: UserPath | None = Field(
        default=None,
        description="The public key that RS256 tokens are checked with, in PEM.",
        json_schema_extra={"shown_default": "none"},
    )
    jwt_jwks_file: UserPath | None = Field(
        default=None,
        description="The public keys that RS256 tokens are checked with, as a JSON Web Key Set.",
        json_schema_extra={"shown_default": "none"},
    )
    jwt_audience: str | None = Field(
        default=None,
        description="The audience a token must be for; none: any.",
        json_schema_extra={"shown_default": "none"},
    )
    jwt_issuer: str | None = Field(
        default=None,
        description="The issuer a token must come from; none: any.",
        json_schema_extra={"shown_default": "none"},
    )
    jwt_leeway_seconds: float = Field(
        default=10.0,
        ge=0,
        le=300,
        description="How far the clocks of this server and of the issuer may differ.",
    )
