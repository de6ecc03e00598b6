"""JSON Web Tokens: what is checked, and what is refused whatever the token says of itself."""

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request

from outrigger_server.api.auth.authenticator import Refused
from outrigger_server.api.auth.tokens import token_authenticator
from outrigger_server.errors import ConfigurationError
from outrigger_server.settings import AuthSettings

SECRET = "a secret of thirty-two bytes, at least"
OWN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = OWN.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def claims(**more):
    return {"sub": "ann", "exp": int(time.time()) + 600, **more}


def signed(payload, key=SECRET, algorithm="HS256", **header):
    return jwt.encode(payload, key, algorithm, headers=header or None)


def checker(**settings):
    broken = []
    return token_authenticator(AuthSettings(auth="jwt", **settings), lambda: broken.append(1))


async def entering(gate, token):
    headers = [(b"authorization", f"Bearer {token}".encode())]
    return await gate.authenticate(Request({"type": "http", "headers": headers}))


async def refusal(gate, token):
    with pytest.raises(Refused) as caught:
        await entering(gate, token)
    assert caught.value.status_code == 401
    return caught.value.reason


async def test_the_subject_of_a_good_token_comes_in_with_its_permissions():
    gate = checker(jwt_secret=SECRET, jwt_audience="us", jwt_issuer="them")
    user = await entering(gate, signed(claims(aud="us", iss="them", scope="read write")))
    assert (user.identity, user.permissions) == ("ann", ["read", "write"])
    user = await entering(
        gate, signed(claims(aud=["you", "us"], iss="them", permissions=["x"], name="Ann"))
    )
    assert (user.display_name, user.permissions) == ("Ann", ["x"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "you"},
        {"iss": "others"},
        {"aud": None},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"nbf": 2**33},
    ],
)
async def test_a_token_for_others_or_without_what_it_needs_is_refused(wrong):
    gate = checker(jwt_secret=SECRET, jwt_audience="us", jwt_issuer="them")
    given = claims(aud="us", iss="them") | wrong
    token = signed({name: value for name, value in given.items() if value is not None})
    assert await refusal(gate, token) == "invalid"


async def test_clocks_may_differ_by_the_leeway_and_no_more():
    gate = checker(jwt_secret=SECRET, jwt_leeway_seconds=60)
    assert (await entering(gate, signed(claims(exp=int(time.time()) - 5)))).identity == "ann"
    assert await refusal(gate, signed(claims(exp=int(time.time()) - 100))) == "expired"


async def test_no_other_algorithm_is_accepted(tmp_path):
    (tmp_path / "pem").write_bytes(PEM)
    gate = checker(jwt_algorithm="RS256", jwt_public_key_file=tmp_path / "pem")
    assert (await entering(gate, signed(claims(), OWN, "RS256"))).identity == "ann"
    assert await refusal(gate, signed(claims(), None, "none")) == "invalid"
    assert await refusal(gate, signed(claims(), OWN, "RS512")) == "invalid"
    assert await refusal(gate, signed(claims(), FOREIGN, "RS256")) == "invalid"
    # The public key taken for a shared secret: the library will not even sign such a token.
    forged = jwt.api_jws.PyJWS(algorithms=["HS256"])
    forged.unregister_algorithm("HS256")
    forged.register_algorithm("HS256", _AnySecret(jwt.get_algorithm_by_name("HS256").hash_alg))
    token = forged.encode(json.dumps(claims()).encode(), PEM, "HS256")
    assert await refusal(gate, token) == "invalid"
    shared = checker(jwt_secret=SECRET)
    assert await refusal(shared, signed(claims(), None, "none")) == "invalid"
    assert await refusal(shared, "no.token.atall") == "invalid"


class _AnySecret(jwt.algorithms.HMACAlgorithm):
    def prepare_key(self, key):
        return key


async def test_keys_of_a_set_are_found_by_their_id_and_change_with_the_file(tmp_path):
    file = tmp_path / "jwks"
    file.write_text(key_set(one=OWN))
    gate = checker(jwt_algorithm="RS256", jwt_jwks_file=file)
    assert (await entering(gate, signed(claims(), OWN, "RS256", kid="one"))).identity == "ann"
    assert (await entering(gate, signed(claims(), OWN, "RS256"))).identity == "ann"
    assert await refusal(gate, signed(claims(), OWN, "RS256", kid="two")) == "invalid"
    file.write_text(key_set(one=OWN, two=FOREIGN))
    assert (await entering(gate, signed(claims(), FOREIGN, "RS256", kid="two"))).identity == "ann"
    assert await refusal(gate, signed(claims(), FOREIGN, "RS256", kid="one")) == "invalid"
    assert await refusal(gate, signed(claims(), OWN, "RS256")) == "invalid"
    file.write_text("{}")
    assert (await entering(gate, signed(claims(), OWN, "RS256", kid="one"))).identity == "ann"


def key_set(**keys):
    algorithm = jwt.get_algorithm_by_name("RS256")
    shown = [
        json.loads(algorithm.to_jwk(key.public_key())) | {"kid": name, "use": "sig"}
        for name, key in keys.items()
    ]
    return json.dumps({"keys": shown})


@pytest.mark.parametrize(
    "settings",
    [{}, {"jwt_algorithm": "RS256"}, {"jwt_algorithm": "RS256", "jwt_secret": SECRET}],
)
def test_an_algorithm_without_its_key_stops_the_start(settings):
    with pytest.raises(ConfigurationError, match="set it"):
        checker(**settings)


def test_a_private_key_is_not_taken_for_the_public_one(tmp_path):
    private = OWN.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "pem").write_bytes(private)
    with pytest.raises(ConfigurationError, match="a private key"):
        checker(jwt_algorithm="RS256", jwt_public_key_file=tmp_path / "pem")
