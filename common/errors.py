"""The one exception that tells a user what to do."""


class UserError(Exception):
    """A mistake or a missing tool that the user can correct; its text is one sentence that says how."""
