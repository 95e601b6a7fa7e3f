"""Albums that people make: their tables, their edits, and which photos are in them."""
