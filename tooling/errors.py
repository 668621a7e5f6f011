"""The one exception of this room."""


class ToolError(Exception):
    """Something that a task needs is missing or failed; its str() is one sentence that says what to do."""
