"""What can stop a training run. Each error carries the sentence that its user reads."""


class TrainingError(Exception):
    """The run cannot start or go on."""


class ExportError(TrainingError):
    """The trained network cannot be made into an artifact that answers as it does."""


class ImportRefused(TrainingError):
    """A network made elsewhere that cannot, or must not, be taken over."""
