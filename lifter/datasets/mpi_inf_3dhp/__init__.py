"""MPI-INF-3DHP: original and common files, and a tiny true stand-in."""
