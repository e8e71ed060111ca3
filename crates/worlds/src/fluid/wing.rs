//! The shape of a wing, and what it is good for.

use bolete_tensor::{Key, Tensor, value_and_grad};

use super::{Velocity, WindTunnel};

impl WindTunnel {
    /// How solid each cell is, `[rows, columns]`: the logistic function of the obstacle's numbers within the box where an
    /// obstacle may be, and 0 outside of it.
    ///
    /// # Panics
    /// If the obstacle does not have the shape of the grid.
    #[track_caller]
    pub fn solidity(&self, obstacle: &Tensor) -> Tensor {
        let shape = [self.rows, self.columns];
        assert!(
            obstacle.shape().dims() == shape,
            "the obstacle has the shape {}, but the wind tunnel has {} rows and {} columns",
            obstacle.shape(),
            self.rows,
            self.columns
        );
        let inside = |length: usize, part: &std::ops::Range<f64>| {
            let cell = Tensor::arange(length, self.dtype);
            let [first, end] = [part.start, part.end].map(|part| (part * length as f64).floor());
            cell.greater_equal(first).logical_and(&cell.less(end)).cast(self.dtype)
        };
        let rows = inside(self.rows, &self.box_rows).unsqueeze(1);
        obstacle.cast(self.dtype).sigmoid() * rows * inside(self.columns, &self.box_columns)
    }

    /// An obstacle to start from: thin, even but for a little noise, uniform between −1 and −0.9.
    pub fn initial_wing(&self, key: &Key) -> Tensor {
        key.uniform([self.rows, self.columns], self.dtype) * 0.1 - 1.0
    }

    /// Lift over drag of a flow: the mean velocity downwards, to which the air has been deflected, over the mean loss of
    /// velocity along the wind.
    pub fn lift_drag(&self, velocity: &Velocity) -> Tensor {
        -velocity.y.mean(..) / (&velocity.x - self.wind).mean(..)
    }

    /// Lift over drag of an obstacle after all time steps: what is to be made large.
    ///
    /// # Panics
    /// If the obstacle does not have the shape of the grid.
    #[track_caller]
    pub fn lift_to_drag(&self, obstacle: &Tensor) -> Tensor {
        self.lift_drag(&self.velocity(obstacle))
    }

    /// One step of gradient ascent on lift over drag: the next obstacle, and lift over drag of the given one.
    ///
    /// Wrap it in a [`Step`](bolete_tensor::Step), so that it is planned once.
    ///
    /// # Panics
    /// If the obstacle does not have the shape of the grid.
    #[track_caller]
    pub fn ascend(&self, obstacle: &Tensor, step_size: f64) -> (Tensor, Tensor) {
        let (value, slope) = value_and_grad(|obstacle: &Tensor| self.lift_to_drag(obstacle))(obstacle);
        (obstacle + slope * step_size, value)
    }
}
