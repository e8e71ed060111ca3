//! Searches along a line: how far to go in a direction in which a function falls.

/// A search along a line that halves the step, or shortens it by another factor, until f(t) ≤ f(0) + c₁ t f′(0) (Armijo 1966;
/// Nocedal, Wright 2006, algorithm 3.1). It needs no slopes besides the first, and may stop short of where the function is flat.
///
/// ```
/// use bolete_nn::BacktrackingSearch;
/// // x² from 1 along −2: f(t) = (1 − 2t)².
/// let (found, evaluations) = BacktrackingSearch::default().search(1.0, -4.0, 2.0, |t| (1.0 - 2.0 * t).powi(2));
/// assert_eq!((found, evaluations), (Some((0.5, 0.0)), 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BacktrackingSearch {
    /// c₁, how much of the promised descent must be there.
    pub decrease: f64,
    /// What a step that is too long is multiplied with, in (0, 1).
    pub factor: f64,
    /// Largest number of evaluations.
    pub evaluations: usize,
}

impl Default for BacktrackingSearch {
    /// c₁ = 10⁻⁴, halves, 60 evaluations.
    fn default() -> BacktrackingSearch {
        BacktrackingSearch { decrease: 1e-4, factor: 0.5, evaluations: 60 }
    }
}

impl BacktrackingSearch {
    /// The first step of `first`, `first` · factor, … that satisfies the condition, with the value there; `None` if the
    /// evaluations do not suffice. `line` gives the value at a step, `value` and `slope` are those at 0. Also the evaluations made.
    ///
    /// # Panics
    /// If the factor is not in (0, 1).
    #[track_caller]
    pub fn search(
        &self,
        value: f64,
        slope: f64,
        first: f64,
        mut line: impl FnMut(f64) -> f64,
    ) -> (Option<(f64, f64)>, usize) {
        assert!(
            self.factor > 0.0 && self.factor < 1.0,
            "BacktrackingSearch: the factor must be in (0, 1), but it is {}",
            self.factor
        );
        let mut step = first;
        for count in 1..=self.evaluations {
            let found = line(step);
            // A comparison with NaN is false, so that the search goes on.
            if found <= value + self.decrease * step * slope {
                return (Some((step, found)), count);
            }
            step *= self.factor;
        }
        (None, self.evaluations)
    }
}

/// A search along a line for a point that satisfies the strong conditions of Wolfe: f(t) ≤ f(0) + c₁ t f′(0) and
/// |f′(t)| ≤ c₂ |f′(0)|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WolfeSearch {
    /// c₁, how much of the promised descent must be there.
    pub decrease: f64,
    /// c₂, how much flatter it must be.
    pub curvature: f64,
    /// Largest number of evaluations.
    pub evaluations: usize,
}

impl Default for WolfeSearch {
    /// c₁ = 10⁻⁴, c₂ = 0.9, 25 evaluations.
    fn default() -> WolfeSearch {
        WolfeSearch { decrease: 1e-4, curvature: 0.9, evaluations: 25 }
    }
}

/// A point of a line: how far, the value and the slope there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinePoint {
    /// How far along.
    pub step: f64,
    /// The function's value.
    pub value: f64,
    /// Its derivative along the line.
    pub slope: f64,
}

/// The minimum of the cubic through two points with their slopes, kept inside of the bracket.
fn cubic(a: LinePoint, b: LinePoint) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.step - b.step);
    let square = d1 * d1 - a.slope * b.slope;
    let (low, high) = (a.step.min(b.step), a.step.max(b.step));
    let margin = 0.1 * (high - low);
    let inside = |step: f64| {
        if step.is_finite() { step.clamp(low + margin, high - margin) } else { (low + high) / 2.0 }
    };
    if square < 0.0 {
        return (low + high) / 2.0;
    }
    let d2 = square.sqrt() * (b.step - a.step).signum();
    inside(b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)))
}

impl WolfeSearch {
    /// A point that satisfies the conditions, or the lowest one met if the evaluations do not suffice; `line` gives value and slope
    /// at a step, `start` those at 0, `first` is the first step to try. Also the evaluations made.
    pub fn search(
        &self,
        start: LinePoint,
        first: f64,
        mut line: impl FnMut(f64) -> LinePoint,
    ) -> (LinePoint, usize) {
        let enough =
            |point: &LinePoint| point.value <= start.value + self.decrease * point.step * start.slope;
        let flat = |point: &LinePoint| point.slope.abs() <= -self.curvature * start.slope;
        let (mut before, mut step) = (start, first);
        let mut count = 0;
        let mut bracket = None;
        // Algorithm 3.5: wider until a minimum is enclosed.
        while count < self.evaluations {
            let point = line(step);
            count += 1;
            if !point.value.is_finite() || !enough(&point) || (count > 1 && point.value >= before.value) {
                bracket = Some((before, point));
                break;
            }
            if flat(&point) {
                return (point, count);
            }
            if point.slope >= 0.0 {
                bracket = Some((point, before));
                break;
            }
            before = point;
            step *= 2.0;
        }
        let Some((mut low, mut high)) = bracket else { return (before, count) };
        // Algorithm 3.6: narrower around the lowest point that satisfies the first condition.
        while count < self.evaluations && (high.step - low.step).abs() > 1e-14 * low.step.abs().max(1e-14) {
            let usable = high.value.is_finite() && high.slope.is_finite();
            let step = if usable { cubic(low, high) } else { (low.step + high.step) / 2.0 };
            let point = line(step);
            count += 1;
            if !point.value.is_finite() || !enough(&point) || point.value >= low.value {
                high = point;
                continue;
            }
            if flat(&point) {
                return (point, count);
            }
            if point.slope * (high.step - low.step) >= 0.0 {
                high = low;
            }
            low = point;
        }
        (low, count)
    }
}
