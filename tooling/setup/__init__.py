"""Finding and installing the tools that the tasks need."""
