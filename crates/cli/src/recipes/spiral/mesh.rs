//! The square that is looked at, as points close together.

use bolete::prelude::*;

/// Half the side of the square that is looked at.
pub(super) const REACH: f64 = 1.1;

/// Points of a square, row by row from below.
pub(super) struct Mesh {
    /// The coordinates along each side.
    pub side: Vec<f64>,
    /// `[side², 2]`.
    pub points: Tensor,
}

impl Mesh {
    pub fn new(step: f64) -> Mesh {
        let count = (2.0 * REACH / step).round() as usize + 1;
        let side = Tensor::linspace(-REACH, REACH, count, DType::F64);
        let [y, x]: [Tensor; 2] =
            Tensor::meshgrid(&[side.clone(), side.clone()]).try_into().expect("as many grids as vectors");
        let points = Tensor::stack(&[x.flatten(), y.flatten()], 1).cast(DType::F32);
        Mesh { side: side.to_vec(), points }
    }

    /// The probability of class 1 at each point.
    pub fn probability(&self, model: &Sequential) -> Vec<f64> {
        let logits = model.forward(&self.points, &mut Context::evaluation());
        logits.softmax(-1).narrow(1, 1, 1).cast(DType::F64).to_vec()
    }

    /// The part of the points at which class 1 is the more probable one.
    pub fn share(&self, model: &Sequential) -> f64 {
        let probability = self.probability(model);
        probability.iter().filter(|p| **p > 0.5).count() as f64 / probability.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mesh_runs_from_corner_to_corner() {
        let mesh = Mesh::new(0.01);
        assert_eq!(mesh.side.len(), 221);
        let points = mesh.points.to_vec::<f32>();
        assert_eq!((points[0], points[1]), (-1.1, -1.1));
        assert_eq!((points[2 * 220], points[2 * 220 + 1]), (1.1, -1.1));
    }
}
