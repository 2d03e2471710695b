"""Experiments around the lifter: noise in its 2D key points, the paper's figures and tables."""
