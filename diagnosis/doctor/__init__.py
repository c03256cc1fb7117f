"""What is wrong with an installation, in plain words. Each module looks at one area, whatever is broken elsewhere."""
