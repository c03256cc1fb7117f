"""What administrators see: the dashboard, and lists that stay fast however many rows there are."""
