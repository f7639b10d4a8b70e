"""What an object service said, told for the person who has to mend it: kinds of trouble, never the service's own text.

obstore tells most refusals in words only; their codes are the services' own and documented. Source: Amazon S3 API
reference, "Error responses"; Microsoft Learn, "Blob service error codes" and "Common REST API error codes" (read
2026-11-23).
"""

import re

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

from schemas.errors import NoCredentialsError, StoreAwayError, StoreError

LOOKED_AT = {
    "s3": "Looked at: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY; AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN; "
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI; the role of this machine. Profiles in ~/.aws are not read.",
    "abfs": "Looked at: AZURE_STORAGE_ACCOUNT_KEY; AZURE_STORAGE_SAS_TOKEN; AZURE_CLIENT_ID with AZURE_TENANT_ID and "
    "AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE; the managed identity of this machine.",
}
"""Scheme -> where credentials are looked for, in that order; names only."""

_NO_CREDENTIALS = re.compile(
    r"169\.254\.|/latest/(api/token|meta-data)|/metadata/identity|Missing ?(SecretAccessKey|AccessKeyId)"
)
"""The service for roles of machines is asked last: whoever fails there has nothing else."""
_NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|ContainerBeingDeleted")
_ELSEWHERE = re.compile(r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint")
_REFUSED = re.compile(
    r"40[13] (Unauthorized|Forbidden)|InvalidAccessKey|SignatureDoesNotMatch|AccessDenied|ExpiredToken|InvalidToken"
    r"|AuthenticationFailed|AuthorizationFailure|AuthorizationPermissionMismatch|AADSTS\d+|token request"
)


def trouble(error: Exception, *, scheme: str, where: str, doing: str) -> StoreError:
    """Our error for one of obstore.

    Args:
        error: as it was raised; its text names headers and addresses and goes nowhere.
        scheme: s3 or abfs.
        where: address of what was asked for.
        doing: open, read, write or list.
    """
    said = str(error)
    about = {"where": where}
    if _NO_CREDENTIALS.search(said):
        return NoCredentialsError(
            f"cannot {doing} the store: no credentials for it were found.", **about, hint=LOOKED_AT[scheme]
        )
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or _REFUSED.search(said):
        return StoreError(
            f"cannot {doing} the store: the service refused our credentials.", **about,
            hint="They may be wrong or out of date, or not allowed to do this here. " + LOOKED_AT[scheme],
        )  # fmt: skip
    if _NO_BUCKET.search(said):
        missing = {"s3": "there is no such bucket", "abfs": "there is no such container"}[scheme]
        return StoreError(
            f"cannot {doing} the store: {missing}.", **about,
            hint="Make it first, or mend its name in NIGHTPOLL_STORE; nightpoll makes none.",
        )  # fmt: skip
    if _ELSEWHERE.search(said):
        return StoreError(
            f"cannot {doing} the store: the bucket lies in another region.", **about,
            hint="Set AWS_REGION to the bucket's region.",
        )  # fmt: skip
    return StoreAwayError(
        f"cannot {doing} the store: the service does not answer as it should.", **about,
        hint="Look at the network, the bucket's name and the endpoint; then `nightpoll resume`.",
    )  # fmt: skip
