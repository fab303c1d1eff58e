"""What runs inside of an image's build."""
