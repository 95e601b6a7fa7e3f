"""The dates of many photos: which are missing or doubtful, what to propose, and edits of them."""
