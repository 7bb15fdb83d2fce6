"""Whether the page or the API answers here: a container's health check."""

import sys
import urllib.request

for address in ('http://127.0.0.1:7860/', 'http://127.0.0.1:7861/health'):
    try:
        with urllib.request.urlopen(address, timeout=5):
            sys.exit(0)
    except OSError:
        continue
sys.exit(1)
