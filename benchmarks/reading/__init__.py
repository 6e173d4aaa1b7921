"""Pages whose order of reading is known, and what of it is lost in another order."""
