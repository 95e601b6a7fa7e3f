"""Object stores and web servers: photos at URLs."""
