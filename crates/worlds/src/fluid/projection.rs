//! Freeing a flow of its divergence.

use bolete_tensor::{Tensor, fori_loop};

use super::Velocity;

/// The window of the blur by which fields are continued into the obstacle, in cells.
const WINDOW: [usize; 2] = [9, 9];
/// Its standard deviation, in cells.
const DEVIATION: [f64; 2] = [1.0, 1.0];

/// What the flow meets in each cell.
#[derive(Clone, Debug)]
pub struct Medium {
    free: Tensor,
    /// Solidity over how much air there is around.
    inward: Tensor,
}

impl Medium {
    /// The medium of a solidity between 0 and 1, `[rows, columns]`.
    pub fn new(solidity: &Tensor) -> Medium {
        let free = 1.0 - solidity;
        let inward = solidity / (blurred(&free) + 1e-8);
        Medium { free, inward }
    }

    /// The part of each cell that is air.
    pub fn free(&self) -> &Tensor {
        &self.free
    }

    /// `field` where there is air, and within the obstacle what it is in the air around it.
    pub fn diffuse_into(&self, field: &Tensor) -> Tensor {
        let outside = field * &self.free;
        &outside + &self.inward * blurred(&outside)
    }
}

fn blurred(field: &Tensor) -> Tensor {
    field.gaussian_blur(WINDOW, DEVIATION)
}

/// The divergence of a flow on the periodic grid, by central differences.
pub fn divergence(velocity: &Velocity) -> Tensor {
    (velocity.x.roll(-1, 1) - velocity.x.roll(1, 1) + velocity.y.roll(-1, 0) - velocity.y.roll(1, 0)) * 0.5
}

/// The flow less the gradient of a pressure that makes its divergence small, and standing still where it is solid.
///
/// The pressure solves Poisson's equation by `sweeps` sweeps of Jacobi's iteration, in each of which every cell becomes
/// the mean of its four neighbours less the divergence. After each sweep the pressure is continued into the obstacle, so
/// that there is no gradient across its border.
pub fn project(velocity: &Velocity, medium: &Medium, sweeps: usize) -> Velocity {
    let source = medium.diffuse_into(&-divergence(velocity));
    let sweep = |_: &Tensor, pressure: &Tensor| {
        let neighbours =
            pressure.roll(1, 1) + pressure.roll(-1, 1) + pressure.roll(1, 0) + pressure.roll(-1, 0);
        medium.diffuse_into(&((&source + neighbours) * 0.25))
    };
    let pressure = fori_loop(sweeps, sweep, &source.zeros_like());
    let slope = |axis: isize| (pressure.roll(-1, axis) - pressure.roll(1, axis)) * 0.5;
    Velocity { x: (&velocity.x - slope(1)) * medium.free(), y: (&velocity.y - slope(0)) * medium.free() }
}
