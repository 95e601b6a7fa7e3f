"""Ways into the library: uploads and folders of this computer."""
