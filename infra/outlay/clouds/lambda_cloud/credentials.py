"""The secrets that a k3s cluster starts from, made once and kept encrypted in the state.

With an authority of our own the kubeconfig is known before the server has booted, and nobody has to
log in to the machine to fetch it.
"""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ResourceProvider

LIFETIME = timedelta(days=3650)
SECRETS = ("authority_key", "join_token", "admin_token")


class CredentialsProvider(ResourceProvider):
    """Makes one set of credentials."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Never change: new credentials would be another cluster."""
        return DiffResult(changes=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make an authority and two tokens."""
        name = str(props["cluster"])
        certificate, key = authority(name)
        made = {
            "authority_certificate": certificate,
            "authority_key": key,
            "join_token": secrets.token_hex(32),
            "admin_token": secrets.token_hex(32),
        }
        return CreateResult(name, {**props, **made})


def authority(name: str) -> tuple[str, str]:
    """Return certificate and key of a new certificate authority, both PEM."""
    from cryptography import x509  # noqa: PLC0415 - 0.1 s, once in a cluster's life
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    start = datetime.now(UTC) - timedelta(hours=1)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=False, content_commitment=False,
        key_encipherment=True, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    # k3s reads keys in the form of openssl's `ec`.
    form = serialization.PrivateFormat.TraditionalOpenSSL
    hidden = key.private_bytes(pem, form, serialization.NoEncryption())
    return certificate.public_bytes(pem).decode(), hidden.decode()


def as_base64(text: str) -> str:
    """Return a text in base64, as kubeconfigs want certificates."""
    return base64.b64encode(text.encode()).decode()
