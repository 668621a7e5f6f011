"""`infer`: images from files, folders, standard input and the test set, and a board's answers to them."""
