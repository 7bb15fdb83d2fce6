"""Whether the page or the API answers here: a container's health check."""

import sys
import urllib.request

from demo import API_PORT, HOST, PORT

for address in (f'http://{HOST}:{PORT}/', f'http://{HOST}:{API_PORT}/health'):
    try:
        with urllib.request.urlopen(address, timeout=5):
            sys.exit(0)
    except OSError:
        continue
sys.exit(1)
