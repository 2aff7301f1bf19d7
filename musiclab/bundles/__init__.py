"""What a machine without a network needs, as one folder: wheels, weights, songs, notebooks, install scripts."""
