"""Headers that tell a client when to come back."""


def retry_headers(seconds: float | None) -> dict[str, str]:
    """Write a wait the way Azure's clients read it.

    azure-core takes `Retry-After: 0` for absent and then sleeps 30 s, and an integer Retry-After overrides
    `retry-after-ms`. So: whole seconds from one up, milliseconds below.

    Args:
        seconds: How long; None sends no header.
    """
    if seconds is None:
        return {}
    return {"Retry-After": f"{seconds:.0f}"} if seconds >= 1 else {"retry-after-ms": f"{seconds * 1000:.0f}"}
