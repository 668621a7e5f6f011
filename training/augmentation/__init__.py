"""Random changes of training images: what pens, paper, cameras and hands do to a digit."""
