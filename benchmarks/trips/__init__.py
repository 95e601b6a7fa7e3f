"""Made lives in photos, and how well trips, days and chapters are proposed from them."""
