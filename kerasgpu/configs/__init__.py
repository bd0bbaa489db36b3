"""Objects as plain data and back: which names there are, how objects are written and read, what an identifier stands for."""
