"""Fit a head on labelled photos, without TensorFlow: folders in, a published bundle out.

`own_classes` is the whole way; ``training`` builds on the same parts.
"""
