"""The layouts of the public sets: one module each, which writes their folders, names and formats."""
