"""Browser components: JavaScript, CSS and the Python that feeds them."""
