"""How much a stranger may send, the same at every door."""

MAX_PIXELS = 100_000_000  # of a photo: a 16-bit one of that size takes some 3 GB while it is coloured
FILE_MB = 200  # of an uploaded file, in Gradio's megabytes of 1024 x 1024 bytes
UPLOAD_BYTES = FILE_MB * 2**20 + 2**16  # of one upload: a file of that size and what it is wrapped in
