"""What Google Takeout and iCloud write beside photos: names, dates, places, albums."""
