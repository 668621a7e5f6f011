"""Pictures of any size and colour, and how they become the pixels that a network takes."""
