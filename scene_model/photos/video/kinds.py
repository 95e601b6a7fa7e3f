"""The kinds of video files."""

# What the library stores as the format of a video. M4V and 3GP are relatives of MP4.
VIDEO_FORMATS = frozenset("MP4 MOV M4V 3GP MKV WEBM AVI".split())
VIDEO_SUFFIXES = frozenset(f".{name.lower()}" for name in VIDEO_FORMATS)
