//! Bolete against numbers that PyTorch computed (`make.py` in this folder).

mod initialisers;
mod layers;
mod losses;
mod optimisers;
mod read;
mod recurrent;
mod upsample;
