"""What can be wrong with a file or an artifact. Each error carries the sentence that its user reads."""


class RadiographError(Exception):
    """A file that cannot be classified, for ever: trying again would end the same way.

    ``code`` is for programs and never changes, ``detail`` is one plain sentence for people.
    """

    code = "unreadable"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class EmptyFile(RadiographError):
    code = "empty"


class UnsupportedFormat(RadiographError):
    """The file is of a kind that is not taken."""

    code = "unsupported_format"


class UnreadableImage(RadiographError):
    """The file claims to be of a kind that is taken, and is damaged or cut off."""

    code = "unreadable"


class TooDemanding(UnreadableImage):
    """The image takes more memory to decode than there is."""

    code = "too_demanding"


class TooLarge(RadiographError):
    """The file has more bytes than are taken."""

    code = "too_large"


class TooMany(RadiographError):
    """More files than are taken at once."""

    code = "too_many"


class TooManyPixels(RadiographError):
    """The image would take more memory or time to decode than any radiograph needs."""

    code = "too_many_pixels"


class ArtifactError(Exception):
    """An artifact that must not be used: damaged, incomplete or made for other code than this."""


class DatasetError(Exception):
    """A folder that cannot be trained on or measured with."""
