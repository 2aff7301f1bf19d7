"""How what musiclab knows was learnt: songs to learn from, the separator, the listeners. Nothing else imports it."""
