"""The files of a library, written so that a crash loses none."""
