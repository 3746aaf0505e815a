"""How the weights in `synthviz/models` came to be: paintings, autoencoder, diffusion, classifier."""
