"""Training of the denoiser and of the transformer that it is compared with."""
