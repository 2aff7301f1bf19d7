"""What happens to work, files and the store when something outside goes wrong."""
