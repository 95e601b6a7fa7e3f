"""MANY photos: the library on disk, its search, its edits. The only room that speaks SQL."""
