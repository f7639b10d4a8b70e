"""Addresses of stores on object storage: `s3://bucket/prefix`, `abfs://container@account/prefix`."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from schemas.errors import SettingsError

SCHEMES = ("s3", "abfs", "abfss")
FORMS = "s3://bucket/prefix or abfs://container@account/prefix"
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "abfs": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_CREDENTIALS = {
    "s3": (
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
    ),
    "abfs": (
        ("AZURE_STORAGE_ACCOUNT_KEY",),
        ("AZURE_STORAGE_SAS_TOKEN",),
        ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"),
        ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    ),
}
"""Scheme -> variables that name credentials, in the order in which they are looked for."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


@dataclass(frozen=True)
class Address:
    """Where a store lies.

    Attributes:
        scheme: s3 or abfs.
        bucket: bucket or container.
        account: of Azure, "" on S3.
        prefix: in front of every name, without slashes at its ends; may be "".
    """

    scheme: str
    bucket: str
    account: str
    prefix: str

    @property
    def uri(self) -> str:
        """One spelling for all spellings of the same place."""
        place = f"{self.bucket}@{self.account}" if self.account else self.bucket
        return f"{self.scheme}://{place}" + (f"/{self.prefix}" if self.prefix else "")


def parse_address(uri: str) -> Address:
    """The parts of an address.

    Raises:
        SettingsError: it is none of the two forms, or holds a key; the address is not repeated then.
    """
    parts = urlsplit(uri)
    if parts.scheme not in SCHEMES:
        raise _wrong(f"{parts.scheme}:// is no store that nightpoll knows")
    if parts.query or parts.fragment or ":" in parts.netloc:
        raise _wrong("the store's address holds more than names; keys and tokens belong into the environment")
    place, _, account = parts.netloc.partition("@")
    scheme, account = parts.scheme.removesuffix("s") if parts.scheme == "abfss" else parts.scheme, account.split(".")[0]
    prefix = parts.path.strip("/")
    if not _NAME.fullmatch(place) or (scheme == "abfs") != bool(account) or (account and not _NAME.fullmatch(account)):
        raise _wrong("the store's address does not name a bucket, or a container and its account")
    if prefix and (not _PREFIX.fullmatch(prefix) or any(set(part) == {"."} for part in prefix.split("/"))):
        raise _wrong("the prefix in the store's address has characters that are not letters, digits or . _ = -")
    return Address(scheme, place, account, prefix)


def plain_http_allowed(address: Address, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the endpoint that the environment names is a loopback one over http.

    Raises:
        SettingsError: it is over http and not loopback: keys and answers would travel in the open.
    """
    for name in _ENDPOINTS[address.scheme]:
        endpoint = environ.get(name)
        if endpoint and urlsplit(endpoint).scheme == "http":
            if not _is_loopback(urlsplit(endpoint).hostname or ""):
                raise SettingsError(
                    "the object store's endpoint is http and not on this machine.", where=name, hint="Use https."
                )
            return True
    return False


def found_credentials(scheme: str, environ: Mapping[str, str]) -> str:
    """Which kind of credentials the variables of a process name; never a value."""
    for names in _CREDENTIALS[scheme]:
        if all(environ.get(name) for name in names):
            return f"by {' and '.join(names)}"
    return "by the role of this machine"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"{what}.", where="NIGHTPOLL_STORE", hint=f"A folder, or {FORMS}.")
