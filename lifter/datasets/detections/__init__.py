"""A detector of the pipeline over the films of a set: the 2D that training takes."""
