//! Worlds that can be differentiated: simulators made of ordinary tensor ops, so that every derivative of what happens in
//! them is there.
//!
//! [`fluid`] is a wind tunnel in two dimensions, through which the shape of a wing can be optimised.
#![forbid(unsafe_code)]

pub mod fluid;
