"""The signer: the only code that opens a customer's private key, in a process of its own, the `sign` queue's."""

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from agents.models import Manifest, SigningKey, SigningSecret


def create_signing_key(*, customer_id: int) -> None:
    """Make the customer's Ed25519 key and seal its private half; a second time changes nothing."""
    if SigningKey.objects.for_customer(customer_id).exists():
        return
    private = Ed25519PrivateKey.generate()
    key = SigningKey.objects.create(customer_id=customer_id, public_key=private.public_key().public_bytes_raw())
    SigningSecret.objects.create(
        customer_id=customer_id, signing_key=key, sealed=_seal().encrypt(private.private_bytes_raw())
    )


def sign_manifest(*, manifest_id: int) -> None:
    """Sign the text of a manifest as it stands; one that is signed already is left alone."""
    manifest = Manifest.objects.get(pk=manifest_id)
    if manifest.signature is not None:
        return
    secret = SigningSecret.objects.for_customer(manifest.customer_id).get()
    private = Ed25519PrivateKey.from_private_bytes(_seal().decrypt(bytes(secret.sealed)))
    Manifest.objects.filter(pk=manifest.pk, signature=None).update(
        signature=private.sign(manifest.text.encode()), signing_key_id=secret.signing_key_id
    )


def _seal() -> Fernet:
    return Fernet(settings.MANIFEST_KEY_SECRET)
