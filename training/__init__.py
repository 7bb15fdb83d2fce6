"""Photos in, a colorization network out. `python -m training --help` shows the commands."""
