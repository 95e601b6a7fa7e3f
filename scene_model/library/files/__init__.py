"""Reading and writing the files of a library, so that a crash loses none."""
