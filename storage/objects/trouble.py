"""What an object service said, told for the person who has to mend it: kinds of trouble, never the service's own text.

obstore tells most refusals in words only; their codes are the services' own and documented. Source: Amazon S3 API
reference, "Error responses"; Microsoft Learn, "Blob service error codes" and "Common REST API error codes" (read
2026-11-23).
"""

import re
from typing import NamedTuple

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from schemas.errors import NoCredentialsError, StoreAwayError, StoreError

LOOKED_AT = {
    "s3": "Looked at: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY; AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN; "
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI; the role of this machine. Profiles in ~/.aws are not read.",
    "abfs": "Looked at: AZURE_STORAGE_ACCOUNT_KEY; AZURE_STORAGE_SAS_TOKEN; AZURE_CLIENT_ID with AZURE_TENANT_ID and "
    "AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE; the managed identity of this machine.",
}
"""Scheme -> where credentials are looked for, in that order; names only."""


class _Cause(NamedTuple):
    """What a person is told of one kind of trouble; `what` by scheme, that of s3 for both if it is one."""

    kind: type[StoreError]
    what: dict[str, str]
    hint: str


_KEYS = _Cause(
    StoreError,
    {"s3": "the service refused our credentials"},
    "They may be wrong or out of date, or not allowed to do this here. LOOKED AT",
)
_UNCLEAR = _Cause(
    StoreAwayError,
    {"s3": "the service does not answer as it should"},
    "Look at the network, the bucket's name and the endpoint; then `nightpoll resume`.",
)
_CAUSES = (
    (  # the service for roles of machines is asked last: whoever fails there has nothing else
        re.compile(
            r"169\.254\.|/latest/(api/token|meta-data)|/metadata/identity|Missing ?(SecretAccessKey|AccessKeyId)"
        ),
        _Cause(NoCredentialsError, {"s3": "no credentials for it were found"}, "LOOKED AT"),
    ),
    (  # both are refusals like that of a wrong key
        re.compile(r"RequestTimeTooSkewed|Request date header too old"),
        _Cause(
            StoreError,
            {"s3": "this machine's clock is wrong"},
            "The service allows some minutes. Set it (`timedatectl`, NTP), then `nightpoll resume`.",
        ),
    ),
    (
        re.compile(
            r"40[13] (Unauthorized|Forbidden)|InvalidAccessKey|SignatureDoesNotMatch|AccessDenied"
            r"|ExpiredToken|InvalidToken|AuthenticationFailed|AuthorizationFailure|AuthorizationPermissionMismatch"
            r"|AADSTS\d+|token request"
        ),
        _KEYS,
    ),
    (
        re.compile(r"NoSuchBucket|ContainerNotFound|ContainerBeingDeleted"),
        _Cause(
            StoreError,
            {"s3": "there is no such bucket", "abfs": "there is no such container"},
            "Make it first, or mend its name in NIGHTPOLL_STORE; nightpoll makes none.",
        ),
    ),
    (  # the last are obstore's own words: S3 redirects without an address, and obstore keeps nothing of the body
        re.compile(
            r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint|incorrectly configured region"
        ),
        _Cause(StoreError, {"s3": "the bucket lies in another region"}, "Set AWS_REGION to the bucket's region."),
    ),
    (
        re.compile(r"error sending request|dns error|Connection refused"),
        _Cause(
            StoreAwayError,
            {"s3": "nobody answers at its address"},
            "Look at the network and the endpoint (AWS_ENDPOINT_URL, or the account's name); then try again.",
        ),
    ),
)
"""First match wins."""


def trouble(error: Exception, *, scheme: str, where: str, doing: str) -> StoreError:
    """Our error for one of obstore.

    Args:
        error: as it was raised; its text names headers and addresses and goes nowhere.
        scheme: s3 or abfs.
        where: address of what was asked for.
        doing: open, read, write or list.
    """
    said = str(error)
    told = next((cause for pattern, cause in _CAUSES if pattern.search(said)), _UNCLEAR)
    if told is _UNCLEAR and isinstance(error, PermissionDeniedError | UnauthenticatedError):
        told = _KEYS
    hint = told.hint.replace("LOOKED AT", LOOKED_AT[scheme])
    return told.kind(f"cannot {doing} the store: {told.what.get(scheme, told.what['s3'])}.", where=where, hint=hint)
