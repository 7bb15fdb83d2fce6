"""From a Lumachrome file to colour photos: the class `Colorizer`, the command line and the page (`python -m demo`)."""
