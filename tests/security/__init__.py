"""What an attacker may try: each test failed before the fault was closed."""
