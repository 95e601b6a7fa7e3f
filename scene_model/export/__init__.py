"""What leaves: CSV, ZIP by class."""
