"""What the page is put together of: one component a file, its markup, styles, scripts and words in their own."""
