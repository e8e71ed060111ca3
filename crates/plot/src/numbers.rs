//! Numbers as data of marks.

/// A number of any of Rust's types, as a value of a mark.
pub trait Number: Copy {
    /// The number in double precision.
    fn value(self) -> f64;
}

macro_rules! numbers {
    ($($kind:ty),*) => { $(impl Number for $kind {
        fn value(self) -> f64 {
            self as f64
        }
    })* };
}
numbers!(f64, f32, usize, isize, u64, i64, u32, i32, u16, i16, u8, i8);

/// Several numbers: a slice, array or vector of any number type, so that `&losses` works whatever it holds.
pub trait Numbers {
    /// The numbers in double precision.
    fn numbers(&self) -> Vec<f64>;
}

impl<T: Number> Numbers for [T] {
    fn numbers(&self) -> Vec<f64> {
        self.iter().map(|&number| number.value()).collect()
    }
}

impl<T: Number> Numbers for Vec<T> {
    fn numbers(&self) -> Vec<f64> {
        self.as_slice().numbers()
    }
}

impl<T: Number, const N: usize> Numbers for [T; N] {
    fn numbers(&self) -> Vec<f64> {
        self.as_slice().numbers()
    }
}

impl<T: Numbers + ?Sized> Numbers for &T {
    fn numbers(&self) -> Vec<f64> {
        (**self).numbers()
    }
}

/// `count` numbers from `low` to `high`, both included; NumPy's `linspace`.
///
/// # Examples
/// ```
/// assert_eq!(bolete_plot::linspace(0.0, 1.0, 3), [0.0, 0.5, 1.0]);
/// ```
pub fn linspace(low: f64, high: f64, count: usize) -> Vec<f64> {
    let last = count.saturating_sub(1).max(1) as f64;
    (0..count).map(|index| low + (high - low) * (index as f64 / last)).collect()
}

/// `count` numbers from `low` to `high`, both included, each the same multiple of the one before.
///
/// # Panics
/// If `low` or `high` is not above 0.
#[track_caller]
pub fn logspace(low: f64, high: f64, count: usize) -> Vec<f64> {
    assert!(low > 0.0 && high > 0.0, "expected ends above 0, found {low} and {high}");
    let mut values: Vec<f64> = linspace(low.ln(), high.ln(), count).into_iter().map(f64::exp).collect();
    // Exact ends, which an exponential of a logarithm is not.
    if let [first, .., last] = values.as_mut_slice() {
        (*first, *last) = (low, high);
    }
    values
}

/// Panics at the caller's line unless both lengths are equal.
#[track_caller]
pub(crate) fn same_length(what: [&str; 2], lengths: [usize; 2]) {
    assert!(
        lengths[0] == lengths[1],
        "expected as many {} as {}, found {} and {}",
        what[0],
        what[1],
        lengths[0],
        lengths[1]
    );
}
