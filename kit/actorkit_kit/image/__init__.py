"""What runs inside an image, or while one is built: copied there, with nothing of `kit` beside it."""
