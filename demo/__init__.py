"""The page: photos in, steered by clicking, downloaded in colour. What it does with a photo, `lumachrome` does."""
