"""Durations of videos as players show them."""

from scene_model.library.records import PhotoRecord


def video_text(photo: PhotoRecord) -> str:
    """Return the duration of a video: ``0:42``, ``1:02:03``; empty where it is unknown."""
    if photo.duration_s is None:
        return ""
    minutes, seconds = divmod(int(photo.duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
