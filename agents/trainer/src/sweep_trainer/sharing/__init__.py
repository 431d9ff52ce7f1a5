"""What a run takes from another run: a shared prefix, or the weights of a population's member."""
