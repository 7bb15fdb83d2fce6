"""What makes the page safe for strangers."""
