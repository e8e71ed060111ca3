//! A two-dimensional wind tunnel: incompressible flow around an obstacle, differentiable in the obstacle.
//!
//! The flow is that of Jos Stam's *Stable Fluids* (1999) on a periodic grid of collocated velocities: in turn, velocities
//! are carried along themselves ([`advection`]) and freed of their divergence ([`projection`]). The obstacle is a field of
//! solidity between 0 and 1 rather than a set of cells, so that its shape can follow a gradient; the idea and the wing are
//! those of the `fluidsim` example of HIPS autograd (Maclaurin, Duvenaud and Adams).
//!
//! ```
//! use bolete_tensor::{Key, value_and_grad};
//! use bolete_worlds::fluid::WindTunnel;
//!
//! let tunnel = WindTunnel { rows: 16, columns: 24, steps: 2, sweeps: 5, ..WindTunnel::default() };
//! let wing = tunnel.initial_wing(&Key::new(0));
//! let (lift_to_drag, slope) = value_and_grad(|wing| tunnel.lift_to_drag(wing))(&wing);
//! assert!(lift_to_drag.item().is_finite() && slope.shape() == wing.shape());
//! ```

pub mod advection;
mod picture;
pub mod projection;
mod wing;

use std::ops::Range;

use bolete_derive::Tree;
use bolete_tensor::{DType, Tensor, scan_steps};

use advection::BackTrace;
use projection::Medium;

/// A wind tunnel: the grid, the wind and how finely they are computed. Lengths are in cells, times in steps.
///
/// Fields have the shape `[rows, columns]`. Rows count downwards, so that a positive vertical velocity is one towards the
/// floor. The wind blows from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct WindTunnel {
    /// Cells from the ceiling to the floor.
    pub rows: usize,
    /// Cells from the inlet to the outlet.
    pub columns: usize,
    /// Time steps of a simulation.
    pub steps: usize,
    /// Sweeps over the pressure for each time step.
    pub sweeps: usize,
    /// The velocity of the wind at the inlet, in cells per step.
    pub wind: f64,
    /// How many columns at the inlet, and rows at the ceiling, are reset to the wind after every time step.
    pub margin: usize,
    /// Where an obstacle may be, as parts of the height.
    pub box_rows: Range<f64>,
    /// Where an obstacle may be, as parts of the length.
    pub box_columns: Range<f64>,
    /// The element type of all that is computed.
    pub dtype: DType,
}

impl Default for WindTunnel {
    /// The tunnel of the lecture: 50 × 75 cells, 20 time steps of 50 sweeps.
    fn default() -> WindTunnel {
        WindTunnel {
            rows: 50,
            columns: 75,
            steps: 20,
            sweeps: 50,
            wind: 1.0,
            margin: 3,
            box_rows: 0.30..0.68,
            box_columns: 0.12..0.62,
            dtype: DType::F32,
        }
    }
}

/// Velocities in cells per step, each `[rows, columns]`.
#[derive(Clone, Debug, Tree)]
pub struct Velocity {
    /// To the right.
    pub x: Tensor,
    /// Downwards.
    pub y: Tensor,
}

/// What has happened in the tunnel.
#[derive(Clone, Debug, Tree)]
pub struct Flow {
    /// The velocities at the end.
    pub velocity: Velocity,
    /// Two bands of smoke, the upper and the lower one, before the first step and after each: `[steps + 1, 2, rows,
    /// columns]`, from 0 (none) to 1.
    pub smoke: Tensor,
    /// How solid each cell is, `[rows, columns]`, from 0 (air) to 1.
    pub solidity: Tensor,
}

impl WindTunnel {
    /// Simulates the flow around an obstacle, given as `[rows, columns]` of any numbers: where they are large it is
    /// solid, see [`solidity`](WindTunnel::solidity).
    ///
    /// # Panics
    /// If the obstacle does not have the shape of the grid.
    #[track_caller]
    pub fn simulate(&self, obstacle: &Tensor) -> Flow {
        let solidity = self.solidity(obstacle);
        let medium = Medium::new(&solidity);
        let smoke = self.bands();
        let start = (self.projected(&self.still(), &medium), smoke.clone());
        let ((velocity, _), frames) = scan_steps(
            self.steps,
            |(velocity, smoke): &(Velocity, Tensor)| {
                let velocity = self.advanced(velocity, &medium);
                let smoke = BackTrace::new(&velocity).carry(smoke) * medium.free();
                let smoke = self.with_inlet(&smoke, &self.bands());
                ((velocity, smoke.clone()), smoke)
            },
            &start,
        );
        let smoke = Tensor::concatenate(&[smoke.unsqueeze(0), frames], 0);
        Flow { velocity, smoke, solidity }
    }

    /// The velocities after all time steps, without the smoke.
    ///
    /// # Panics
    /// As [`simulate`](WindTunnel::simulate).
    #[track_caller]
    pub fn velocity(&self, obstacle: &Tensor) -> Velocity {
        let medium = Medium::new(&self.solidity(obstacle));
        let start = self.projected(&self.still(), &medium);
        let step = |velocity: &Velocity| (self.advanced(velocity, &medium), ());
        scan_steps(self.steps, step, &start).0
    }

    /// One time step: the velocities carried along themselves, then without divergence.
    fn advanced(&self, velocity: &Velocity, medium: &Medium) -> Velocity {
        let both = Tensor::stack(&[velocity.x.clone(), velocity.y.clone()], 0);
        let carried = BackTrace::new(velocity).carry(&both);
        let parts = carried.unbind(0);
        self.projected(&Velocity { x: parts[0].clone(), y: parts[1].clone() }, medium)
    }

    /// Velocities without divergence, outside of the obstacle, with the wind restored at the inlet and the ceiling.
    fn projected(&self, velocity: &Velocity, medium: &Medium) -> Velocity {
        let still = self.still();
        let flow = projection::project(velocity, medium, self.sweeps);
        let restored = |field: &Tensor, wind: &Tensor| {
            let field = self.with_inlet(field, wind);
            let (top, rest) =
                (wind.narrow(0, 0, self.margin), field.narrow(0, self.margin, self.rows - self.margin));
            Tensor::concatenate(&[top, rest], 0)
        };
        Velocity { x: restored(&flow.x, &still.x), y: restored(&flow.y, &still.y) }
    }

    /// `field` with the first columns of `wind`.
    fn with_inlet(&self, field: &Tensor, wind: &Tensor) -> Tensor {
        let rest = field.narrow(-1, self.margin, self.columns - self.margin);
        Tensor::concatenate(&[wind.narrow(-1, 0, self.margin), rest], -1)
    }

    /// The wind where nothing disturbs it.
    fn still(&self) -> Velocity {
        let shape = [self.rows, self.columns];
        Velocity { x: Tensor::full(shape, self.wind, self.dtype), y: Tensor::zeros(shape, self.dtype) }
    }

    /// The smoke at the start, `[2, rows, columns]`: the second quarter of the height and the third.
    fn bands(&self) -> Tensor {
        let quarter = self.rows / 4;
        let row = Tensor::arange(self.rows, self.dtype).reshape([self.rows, 1]);
        let band = |first: usize, end: usize| {
            let inside = row.greater_equal(first as f64).logical_and(&row.less(end as f64));
            inside.cast(self.dtype).broadcast_to([self.rows, self.columns])
        };
        Tensor::stack(&[band(quarter, 2 * quarter), band(2 * quarter, 3 * quarter)], 0)
    }
}
