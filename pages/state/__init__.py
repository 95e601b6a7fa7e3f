"""What a page needs from the process and keeps in the session."""
