"""Scene Gallery's engine: photos in, scene tags out, usable without a browser.

The rooms, lowest first: ``photos`` (one photo), ``classifier`` (one look, many
answers), ``gallery`` (many photos), ``jobs``, ``export``, ``services`` (the
factory that wires them), and the doors ``api`` and ``cli``.
"""

__version__ = "0.2.0"
