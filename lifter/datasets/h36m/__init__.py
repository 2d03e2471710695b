"""Human3.6M: the files its users have, its cameras and layouts, and a tiny true stand-in."""
