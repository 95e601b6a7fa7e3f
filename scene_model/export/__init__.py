"""What leaves: CSV, ZIP by class, sidecars, data sets, and folders put in order."""
