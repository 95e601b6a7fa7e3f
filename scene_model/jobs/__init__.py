"""Long work in the background: photos on their way into the library."""
