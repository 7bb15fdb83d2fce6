"""The page: photos in, steered by clicking, downloaded in colour. What it does with a photo, `lumachrome` does."""

HOST = '127.0.0.1'  # where nobody says otherwise: other machines do not get in
PORT = 7860  # of the page, or the first free one above, as Gradio has it
API_PORT = 7861
