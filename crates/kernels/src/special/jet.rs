//! Power series in two small quantities, cut off: arithmetic on them gives mixed derivatives of every order at once.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// Σ cᵢⱼ εⁱ δʲ with i < A and j < B. The coefficient cᵢⱼ of a function is its derivative ∂ᵢ₊ⱼ / ∂aⁱ∂bʲ / (i! j!).
#[derive(Clone, Copy, Debug)]
pub struct Jet<const A: usize, const B: usize>(pub [[f64; B]; A]);

impl<const A: usize, const B: usize> Jet<A, B> {
    /// A number that depends on neither.
    pub fn constant(value: f64) -> Self {
        let mut jet = Jet([[0.0; B]; A]);
        jet.0[0][0] = value;
        jet
    }

    /// The first variable.
    pub fn first(value: f64) -> Self {
        let mut jet = Self::constant(value);
        if A > 1 {
            jet.0[1][0] = 1.0;
        }
        jet
    }

    /// The second variable.
    pub fn second(value: f64) -> Self {
        let mut jet = Self::constant(value);
        if B > 1 {
            jet.0[0][1] = 1.0;
        }
        jet
    }

    /// The constant coefficient.
    pub fn value(&self) -> f64 {
        self.0[0][0]
    }

    /// The derivative of order `i` in the first and `j` in the second variable.
    pub fn derivative(&self, i: usize, j: usize) -> f64 {
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        self.0[i][j] * factorial(i) * factorial(j)
    }

    fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        self.0.iter_mut().flatten().for_each(|coefficient| *coefficient = change(*coefficient));
        self
    }

    /// The product with a number.
    pub fn scaled(self, factor: f64) -> Self {
        self.map(|coefficient| coefficient * factor)
    }

    /// f of this, given the Taylor coefficients f⁽ᵏ⁾/k! at its value.
    pub fn compose(self, taylor: impl Fn(usize) -> f64) -> Self {
        let mut nilpotent = self;
        nilpotent.0[0][0] = 0.0;
        let last = A + B - 2;
        (0..last).rev().fold(Self::constant(taylor(last)), |sum, k| sum * nilpotent + taylor(k))
    }

    /// e to this.
    pub fn exp(self) -> Self {
        let value = self.value().exp();
        self.compose(|k| (1..=k).fold(value, |value, k| value / k as f64))
    }

    /// The natural logarithm.
    pub fn ln(self) -> Self {
        let value = self.value();
        self.compose(|k| match k {
            0 => value.ln(),
            _ => -(-1.0 / value).powi(k as i32) / k as f64,
        })
    }

    /// Whether no coefficient exceeds `tolerance` times the same one of `other`.
    pub fn is_negligible_to(&self, other: &Self, tolerance: f64) -> bool {
        let pairs = self.0.iter().flatten().zip(other.0.iter().flatten());
        pairs.into_iter().all(|(own, other)| own.abs() <= tolerance * other.abs())
    }

    /// Whether this differs from 1 by no more than `tolerance` in any coefficient.
    pub fn is_one(&self, tolerance: f64) -> bool {
        let difference = *self - Self::constant(1.0);
        difference.0.iter().flatten().all(|coefficient| coefficient.abs() <= tolerance)
    }

    /// Moved away from zero, as Lentz's method asks of its denominators.
    pub fn nonzero(mut self) -> Self {
        if self.0[0][0].abs() < 1e-290 {
            self.0[0][0] = 1e-290;
        }
        self
    }
}

macro_rules! by_coefficient {
    ($trait:ident $method:ident $assign:tt) => {
        impl<const A: usize, const B: usize> $trait for Jet<A, B> {
            type Output = Self;
            fn $method(mut self, other: Self) -> Self {
                for (own, other) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
                    *own $assign *other;
                }
                self
            }
        }
        impl<const A: usize, const B: usize> $trait<f64> for Jet<A, B> {
            type Output = Self;
            fn $method(mut self, other: f64) -> Self {
                self.0[0][0] $assign other;
                self
            }
        }
    };
}
by_coefficient!(Add add +=);
by_coefficient!(Sub sub -=);

impl<const A: usize, const B: usize> Neg for Jet<A, B> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(|coefficient| -coefficient)
    }
}

impl<const A: usize, const B: usize> Mul for Jet<A, B> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut product = Jet([[0.0; B]; A]);
        for (i, j) in (0..A).flat_map(|i| (0..B).map(move |j| (i, j))) {
            for (p, q) in (0..=i).flat_map(|p| (0..=j).map(move |q| (p, q))) {
                product.0[i][j] += self.0[p][q] * other.0[i - p][j - q];
            }
        }
        product
    }
}

impl<const A: usize, const B: usize> Div for Jet<A, B> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let mut quotient = self;
        for (i, j) in (0..A).flat_map(|i| (0..B).map(move |j| (i, j))) {
            for (p, q) in (0..=i).flat_map(|p| (0..=j).map(move |q| (p, q))).skip(1) {
                let known = other.0[p][q] * quotient.0[i - p][j - q];
                quotient.0[i][j] -= known;
            }
            quotient.0[i][j] /= other.0[0][0];
        }
        quotient
    }
}
