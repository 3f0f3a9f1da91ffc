"""What a codec module raises for bytes that are not what they claim to be."""


class CodecError(ValueError):
    """Parameter sets or configuration that cannot be read."""
