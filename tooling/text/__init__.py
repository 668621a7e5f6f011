"""Checks of what people read: words and links."""
