"""Training the embedded separator: songs mixed anew, the loss, the trainer, the export."""
