"""Training pipeline: labelled photos in, a published model bundle out.

The only package that imports TensorFlow. Of `scene_model` it imports only ``photos`` and
``classifier``.
"""
