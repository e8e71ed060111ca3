//! Bolete against numbers that PyTorch computed (`make.py` in this folder).

mod activations;
mod attention;
mod convolutions;
mod initialisers;
mod layers;
mod losses;
mod norms;
mod optimisers;
mod read;
mod recurrent;
mod rules;
mod upsample;
