"""How much a stranger may send, the same at every door."""

MAX_PIXELS = 100_000_000  # of a photo: a 16-bit one of that size takes some 3 GB while it is coloured
FILE_MB = 200  # of an uploaded file, in Gradio's megabytes of 1024 x 1024 bytes
WAITING = 32  # who waits at a door, albums among them; the next one is told to come again
UPLOAD_BYTES = FILE_MB * 2**20 + 2**16  # of one upload: a file of that size and what it is wrapped in

# A clip is coloured on the page in some minutes of two cores, while others wait; `lumachrome video` takes any.
CLIP_SECONDS = 30
CLIP_FRAMES = 60 * CLIP_SECONDS
CLIP_PIXELS = (1920, 1080)  # or others, upright ones too, of no more pixels in all
CLIP_MB = 100  # in megabytes of 1024 x 1024 bytes
CLIP_MINUTES = 20  # that it may take, as an album may
