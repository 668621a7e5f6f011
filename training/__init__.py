"""From MNIST to C: training, the model file, the integer reference and the exporter.

Only data.py, vision.py, models.py, augment.py, average.py, quantise.py, checkpoint.py, curve.py and
train.py need PyTorch; what export, build, simulation and tests use works without it.
"""
