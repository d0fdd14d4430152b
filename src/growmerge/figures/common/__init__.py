"""What figures share: the object that a figure is, one style, one way to look scores up, one wording."""
