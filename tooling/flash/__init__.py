"""Writing the firmware into a real board."""
