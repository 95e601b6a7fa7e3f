"""Dates and times as they stand on the pages."""

import datetime


def day_text(moment: str) -> str:
    """Return the day of an ISO 8601 time in words: ``Saturday, 25 July 2026``."""
    day = datetime.date.fromisoformat(moment[:10])
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def time_text(moment: str) -> str:
    """Return day and time of an ISO 8601 time, short: ``25 Jul, 14:03``; of a day, ``25 Jul``."""
    parsed = datetime.datetime.fromisoformat(moment)
    day = f"{parsed.day} {parsed:%b}"
    return day if len(moment) == len("2024-07-25") else f"{day}, {parsed:%H:%M}"


def short_day_text(moment: str) -> str:
    """Return the day of an ISO 8601 time, short: ``25 Jul 2026``."""
    day = datetime.date.fromisoformat(moment[:10])
    return f"{day.day} {day:%b} {day.year}"


def month_text(month: str) -> str:
    """Return a month, ``2024-07``, in words: ``July 2024``; empty is no date."""
    return f"{datetime.date.fromisoformat(f'{month}-01'):%B %Y}" if month else "No date"
