"""What runs the network: one file a runtime."""
