"""The training loop and its parts: optimizer, running average, checkpoint and curve."""
