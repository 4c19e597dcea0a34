"""Why an app cannot be run."""


class HostError(Exception):
    """The app cannot be run as it stands; the message tells its developer why, and what to do."""
