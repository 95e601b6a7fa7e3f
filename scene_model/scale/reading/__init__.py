"""Read pictures and videos of a batch: from this computer, object stores, web servers and tars."""
