"""The results of every seed of every model: results.json, and RESULTS.md made from it."""
