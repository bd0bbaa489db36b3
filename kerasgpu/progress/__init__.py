"""What a user sees of a running loop: the progress bar and the logs."""
