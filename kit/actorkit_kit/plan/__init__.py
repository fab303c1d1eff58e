"""Every decision about a deployment, made once."""
