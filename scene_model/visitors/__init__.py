"""Several people on one server: whose library is asked for, how large, and for how long."""
