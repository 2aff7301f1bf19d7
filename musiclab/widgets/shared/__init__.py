"""What several widgets use: the engine that sounds, transport of sound to the page, pictures."""
