//! Functions of two numbers on which minimisers are watched.

use bolete::prelude::*;

/// A function of two numbers whose minimum is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Surface {
    /// (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)² (Beale 1958): plateaus, steep walls, a bent valley.
    Beale,
    /// (1 − x)² + 100 (y − x²)² (Rosenbrock 1960): a bent, narrow valley.
    Rosenbrock,
    /// ½ (a x² + b y²) with the curvatures a and b.
    Bowl([f64; 2]),
}

impl Surface {
    /// The bowl x²/8 + 2y² of the course, sixteen times as curved across as along.
    pub const BOWL: Surface = Surface::Bowl([0.25, 4.0]);

    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Surface::Beale => "Beale's function".to_owned(),
            Surface::Rosenbrock => "Rosenbrock's function".to_owned(),
            Surface::Bowl([a, b]) => format!("the bowl {}x² + {}y²", a / 2.0, b / 2.0),
        }
    }

    /// Its value, elementwise.
    pub fn value(self, x: &Tensor, y: &Tensor) -> Tensor {
        match self {
            Surface::Beale => {
                let term = |constant: f64, power: &Tensor| (constant - x + x * power).square();
                term(1.5, y) + term(2.25, &y.square()) + term(2.625, &(y.square() * y))
            }
            Surface::Rosenbrock => (1.0 - x).square() + (y - x.square()).square() * 100.0,
            Surface::Bowl([a, b]) => x.square() * (a / 2.0) + y.square() * (b / 2.0),
        }
    }

    /// Its value at the two elements of a vector.
    pub fn at(self, point: &Tensor) -> Tensor {
        self.value(&point.narrow(0, 0, 1), &point.narrow(0, 1, 1)).sum(..)
    }

    /// Where it is smallest; the value there is 0.
    pub fn minimum(self) -> [f64; 2] {
        match self {
            Surface::Beale => [3.0, 0.5],
            Surface::Rosenbrock => [1.0, 1.0],
            Surface::Bowl(_) => [0.0, 0.0],
        }
    }

    /// Where minimisers start.
    pub fn start(self) -> [f64; 2] {
        match self {
            Surface::Beale => [0.7, 1.4],
            Surface::Rosenbrock => [-1.2, 1.0],
            Surface::Bowl(_) => [-4.0, 1.5],
        }
    }

    /// The part of the plane that is drawn: x from, to, y from, to.
    pub fn window(self) -> [f64; 4] {
        match self {
            Surface::Beale => [-0.5, 4.5, -1.5, 2.0],
            Surface::Rosenbrock => [-1.7, 1.7, -0.6, 2.2],
            Surface::Bowl(_) => [-5.0, 5.0, -2.5, 2.5],
        }
    }

    /// Its values on a grid over the window, `[y][x]` by rows, with the coordinates of columns and rows.
    pub fn grid(self, columns: usize, rows: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let [left, right, bottom, top] = self.window();
        let x = Tensor::linspace(left, right, columns, DType::F64);
        let y = Tensor::linspace(bottom, top, rows, DType::F64);
        let values = self.value(&x.unsqueeze(0), &y.unsqueeze(1)).broadcast_to([rows, columns]);
        (x.to_vec(), y.to_vec(), values.to_vec())
    }

    /// How far a point is from the minimum.
    pub fn distance(self, [x, y]: [f64; 2]) -> f64 {
        let [a, b] = self.minimum();
        (x - a).hypot(y - b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_is_zero_and_flat() {
        for surface in [Surface::Beale, Surface::Rosenbrock, Surface::BOWL] {
            let (value, slope) =
                value_and_grad(|point: &Tensor| surface.at(point))(&Tensor::from(surface.minimum()));
            assert!(value.item().abs() < 1e-24, "{}", surface.name());
            assert!(slope.to_vec::<f64>().iter().all(|slope| slope.abs() < 1e-12), "{}", surface.name());
        }
    }
}
