"""JSON Web Tokens: signed elsewhere, checked here; the algorithm is pinned by the settings."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from starlette.requests import Request

from outrigger_server.api.auth.authenticator import Refused, bearer
from outrigger_server.api.auth.watched_file import WatchedFile
from outrigger_server.domain.access import User
from outrigger_server.errors import ConfigurationError
from outrigger_server.settings import AuthSettings

KeyOf = Callable[[str | None], Any]
"""Finds the key for a token, by the key id that it names."""

_NO_SUCH_KEY = "No key of this server fits the token"


@dataclass(frozen=True, slots=True)
class TokenAuthenticator:
    """Lets in whoever shows a token that a known key has signed and that is good now."""

    key_of: KeyOf
    algorithm: str
    audience: str | None
    issuer: str | None
    leeway_seconds: float
    reads_body: bool = field(default=False)

    async def authenticate(self, request: Request) -> User:
        """The token's subject; its `permissions`, or the words of its `scope`, are theirs."""
        token = bearer(request)
        if token is None:
            raise Refused("missing", "Give a token: Authorization: Bearer")
        try:
            claims = self._claims(token)
        except jwt.ExpiredSignatureError as error:
            raise Refused("expired", "The token has expired") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise Refused("invalid", "Invalid token") from error
        return _user(claims)

    def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            self.key_of(header.get("kid")),
            algorithms=[self.algorithm],
            audience=self.audience,
            issuer=self.issuer,
            leeway=self.leeway_seconds,
            options={"require": ["exp", "sub"], "verify_aud": self.audience is not None},
        )
        return claims


def _user(claims: Mapping[str, Any]) -> User:
    permissions = claims.get("permissions")
    if not isinstance(permissions, list):
        scope = claims.get("scope")
        permissions = scope.split() if isinstance(scope, str) else []
    known = {name: claims[name] for name in ("email", "name") if isinstance(claims.get(name), str)}
    if "name" in known:
        known["display_name"] = known["name"]
    return User(claims["sub"], **known, permissions=[str(each) for each in permissions])


def token_authenticator(settings: AuthSettings, broken: Callable[[], None]) -> TokenAuthenticator:
    """What checks tokens as the settings say.

    Raises:
        ConfigurationError: There is no key, more than one, or none that fits the algorithm.
    """
    return TokenAuthenticator(
        key_of=_keys(settings, broken),
        algorithm=settings.jwt_algorithm,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        leeway_seconds=settings.jwt_leeway_seconds,
    )


def _keys(settings: AuthSettings, broken: Callable[[], None]) -> KeyOf:
    if settings.jwt_algorithm == "HS256":
        if settings.jwt_secret is None:
            raise ConfigurationError(["OUTRIGGER_JWT_SECRET: HS256 needs it; set it"])
        secret = settings.jwt_secret.get_secret_value()
        return lambda _key_id: secret
    if settings.jwt_public_key_file is not None:
        pem = WatchedFile(
            "OUTRIGGER_JWT_PUBLIC_KEY_FILE", settings.jwt_public_key_file, _parse_pem, broken
        )
        return lambda _key_id: pem.content()
    if settings.jwt_jwks_file is not None:
        jwks = WatchedFile("OUTRIGGER_JWT_JWKS_FILE", settings.jwt_jwks_file, parse_jwks, broken)
        return lambda key_id: _chosen(jwks.content(), key_id)
    names = "OUTRIGGER_JWT_PUBLIC_KEY_FILE or OUTRIGGER_JWT_JWKS_FILE"
    raise ConfigurationError([f"{names}: RS256 needs one; set it"])


def _parse_pem(text: str) -> Any:
    try:
        key = jwt.get_algorithm_by_name("RS256").prepare_key(text)
    except Exception as error:  # each library below has errors of its own
        msg = f"not a public RSA key in PEM ({type(error).__name__})"
        raise ValueError(msg) from error
    if not hasattr(key, "verify"):
        msg = "a private key; this server needs the public one only"
        raise ValueError(msg)
    return key


def parse_jwks(text: str) -> Mapping[str | None, Any]:
    """The RSA keys of a key set, by key id.

    Raises:
        ValueError: It is no key set, or has no RSA key that may be used to check signatures.
    """
    try:
        sets = json.loads(text)
        found = {
            each.key_id: each.key
            for each in jwt.PyJWKSet.from_dict(sets).keys
            if each.key_type == "RSA" and each.public_key_use in {None, "sig"}
        }
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError) as error:
        msg = f"not a JSON Web Key Set ({type(error).__name__})"
        raise ValueError(msg) from error
    if not found:
        msg = "it has no RSA key to check signatures with"
        raise ValueError(msg)
    return found


def _chosen(keys: Mapping[str | None, Any], key_id: str | None) -> Any:
    if key_id is None and len(keys) == 1:
        return next(iter(keys.values()))
    if key_id not in keys:
        raise jwt.InvalidKeyError(_NO_SUCH_KEY)
    return keys[key_id]
