"""Training pipeline: labelled photos in, a published model bundle out.

The only room that imports TensorFlow. It knows ``photos`` and ``classifier``, nothing above.
"""
