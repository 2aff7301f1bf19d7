"""The mask lab: masks to see, change, paint and hear."""
