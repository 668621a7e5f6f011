"""From MNIST to a model file: networks, their recipes, the training loop, quantisation, and results.

The only room that needs torch. Its `settings` and `results` do not.
"""
