"""The mixer: a slider for each stem, sample-locked."""
