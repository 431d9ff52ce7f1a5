"""The one exception of the SDK: a message a person can act on."""


class SweepError(Exception):
    """Thrown when the SDK is used in a way that cannot work; the message says what was found and what to do."""
