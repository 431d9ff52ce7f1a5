"""sweep as a wheel: the program, its Node.js and the trainer's sources behind one command."""
