"""A WebDAV inbox: apps put photos in, and see nothing but the list of what they put there."""
