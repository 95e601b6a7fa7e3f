"""Days and months of a trip in words."""

import datetime

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Day = datetime.date


def days_text(first: Day, last: Day) -> str:
    """Write the days from a first to a last: "12 to 16 July 2024"; parts that repeat once."""
    if first == last:
        return day_text(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day_text(last)}"
    if first.year == last.year:
        return f"{first.day} {_month(first)} to {day_text(last)}"
    return f"{day_text(first)} to {day_text(last)}"


def months_text(first: Day, last: Day) -> str:
    """Write the months of days: "July 2024", "July and August 2024", "July to October 2024"."""
    months = (last.year - first.year) * 12 + last.month - first.month
    if months == 0:
        return f"{_month(first)} {first.year}"
    joint = "and" if months == 1 and first.year == last.year else "to"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{_month(first)}{year} {joint} {_month(last)} {last.year}"


def day_text(day: Day) -> str:
    """Write a day: "14 July 2024"."""
    return f"{day.day} {_month(day)} {day.year}"


def short_day_text(day: Day) -> str:
    """Write a day without its year: "Sun 14 July"."""
    return f"{weekday(day)[:3]} {day.day} {_month(day)}"


def weekday(day: Day) -> str:
    """Return the name of the day of the week."""
    return WEEKDAYS[day.weekday()]


def _month(day: Day) -> str:
    return MONTHS[day.month - 1]
