"""What goes wrong, in the words of the API that is emulated.

EmulatorError
├── OciError        answered by a registry: {"errors": [{"code", "message", "detail"}]}
├── ArmError        answered by Resource Manager: {"error": {"code", "message"}}
├── SubscribeError  an event subscription, or a choice among them, makes no sense
├── PublishError    answered by a topic of Event Grid: {"error": {"code", "message", "details"}}
└── StartError      the emulator cannot start; its text says what to do
"""

import sqlite3
from collections.abc import Mapping
from http import HTTPStatus

STORAGE_TROUBLE = (OSError, sqlite3.Error)
"""What is raised where the data cannot be read or written, as on a full disk."""


class EmulatorError(Exception):
    """Root of what this package raises."""


class StartError(EmulatorError):
    """The emulator cannot start. The text is one line for a terminal."""


class ArmError(EmulatorError):
    """An answer of Resource Manager that is no success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class SubscribeError(EmulatorError):
    """An event subscription names what is not there, or wants what cannot be. The text says what."""


class PublishError(EmulatorError):
    """An answer of a custom topic that is no success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def unexpected(error: Exception) -> ArmError:
    """Describe what should not have happened, so that who waits for an operation sees its end."""
    return ArmError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", f"{type(error).__name__}: {error}"
    )


class OciError(EmulatorError):
    """An answer of a registry that is no success (distribution-spec: Error Codes)."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.detail, self.headers = detail, dict(headers or {})


def name_invalid(name: str) -> OciError:
    """The repository's name breaks the specification's grammar."""
    return OciError(HTTPStatus.BAD_REQUEST, "NAME_INVALID", "invalid repository name", detail={"name": name})


def name_unknown(name: str) -> OciError:
    """The registry has no such repository."""
    message = "repository name not known to registry"
    return OciError(HTTPStatus.NOT_FOUND, "NAME_UNKNOWN", message, detail={"name": name})


def tag_invalid(tag: str) -> OciError:
    """The tag breaks the specification's grammar."""
    message = "manifest tag did not match the grammar of tags"
    return OciError(HTTPStatus.BAD_REQUEST, "TAG_INVALID", message, detail={"tag": tag})


def tag_unknown(tag: str) -> OciError:
    """The repository has no such tag."""
    message = "the specified tag does not exist"
    return OciError(HTTPStatus.NOT_FOUND, "TAG_UNKNOWN", message, detail={"name": tag})


def digest_malformed(digest: str) -> OciError:
    """What should be a digest is none, or of an algorithm that is neither sha256 nor sha512."""
    message = "provided digest is malformed or of an unsupported algorithm"
    return OciError(HTTPStatus.BAD_REQUEST, "DIGEST_INVALID", message, detail={"digest": digest})


def digest_mismatch(digest: str) -> OciError:
    """The content is not what its digest says."""
    message = "provided digest did not match uploaded content"
    return OciError(HTTPStatus.BAD_REQUEST, "DIGEST_INVALID", message, detail={"digest": digest})


def manifest_invalid(reason: str) -> OciError:
    """The manifest is not one."""
    message = f"manifest is not valid: {reason}"
    return OciError(HTTPStatus.BAD_REQUEST, "MANIFEST_INVALID", message)


def manifest_unknown(repository: str, reference: str) -> OciError:
    """The repository has no such manifest."""
    detail = {"name": repository, "reference": reference}
    return OciError(HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown", detail=detail)


def blob_unknown(digest: str) -> OciError:
    """The repository has no such blob."""
    message = "blob unknown to registry"
    return OciError(HTTPStatus.NOT_FOUND, "BLOB_UNKNOWN", message, detail={"digest": digest})


def no_referrers() -> OciError:
    """The registry is told to be without the referrers API."""
    return OciError(HTTPStatus.NOT_FOUND, "UNSUPPORTED", "this registry has no referrers API")


def locked(what: str) -> OciError:
    """An attribute (`az acr repository update`) forbids the operation."""
    message = "The operation is disallowed on this registry, repository or image."
    return OciError(HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED", message, detail={"locked": what})
