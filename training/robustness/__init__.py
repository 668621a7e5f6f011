"""The corruption benchmark: how many test images a network still recognises after changes it never saw.

Nothing here is shared with training/augmentation: other operations, from NumPy, SciPy and scikit-image.
"""
