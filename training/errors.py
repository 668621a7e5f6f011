"""The one exception of this room."""


class TrainingError(Exception):
    """Something a user can put right; its text is one sentence that says what to do."""
