"""A text side for a bundle: words of people, in the space of the network's embeddings.

Captions are made from the labels of the bundle, and a small network learns which photos they
describe: `captions`, `word_vectors`, `network`, `photos`; `folds` measures it on labels that it did
not learn, and `publish` writes it into a bundle.
"""
