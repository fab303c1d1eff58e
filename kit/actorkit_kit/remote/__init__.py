"""Questions to what runs already."""
