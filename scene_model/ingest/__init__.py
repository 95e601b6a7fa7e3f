"""Ways into the library: uploads, folders of this computer, and tagging stored photos again."""
