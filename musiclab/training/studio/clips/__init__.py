"""Music rendered from recorded samples, with its notes as exact truth: what thresholds and networks are fitted on."""
