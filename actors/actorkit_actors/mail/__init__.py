"""Mail: in and out by SMTP."""
