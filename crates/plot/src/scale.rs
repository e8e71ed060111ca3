//! An axis: a range, linear or logarithmic.

use crate::mark::Span;

/// A range of values and how they are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub low: f64,
    pub high: f64,
    pub log: bool,
    pub reversed: bool,
}

/// Room around data, as a part of their range.
const ROOM: f64 = 0.04;

impl Scale {
    /// The scale that shows `span`; `fixed` ends win over those of the data.
    pub fn around(span: &Span, fixed: (Option<f64>, Option<f64>), reversed: bool) -> Self {
        let log = span.log;
        let usable = |end: Option<f64>| end.filter(|end| end.is_finite() && (!log || *end > 0.0));
        let (fixed_low, fixed_high) = (usable(fixed.0), usable(fixed.1));
        let (mut low, mut high) = (span.low, span.high);
        if low > high {
            (low, high) = match (fixed_low, fixed_high) {
                (Some(low), None) => (low, if log { low * 10.0 } else { low + 1.0 }),
                (None, Some(high)) => (if log { high / 10.0 } else { high - 1.0 }, high),
                _ if log => (1.0, 10.0),
                _ => (0.0, 1.0),
            };
        }
        low = fixed_low.unwrap_or(low);
        high = fixed_high.unwrap_or(high);
        if log {
            let room = (high / low).ln().max(0.0) * ROOM;
            if fixed_low.is_none() && !span.snug.0 {
                low *= (-room).exp();
            }
            if fixed_high.is_none() && !span.snug.1 {
                high *= room.exp();
            }
            if high / low < 1.0 + 1e-9 {
                (low, high) = (low / 2.0, low * 2.0);
            }
        } else {
            let room = (high - low).max(0.0) * ROOM;
            if fixed_low.is_none() && !span.snug.0 {
                low -= room;
            }
            if fixed_high.is_none() && !span.snug.1 {
                high += room;
            }
            let nothing = low.abs().max(high.abs()) * 1e-12;
            // Also where a caller's ends are the wrong way round.
            if high - low <= nothing {
                let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
                (low, high) = (low - around, low + around);
            }
        }
        Self { low: low.max(-1e300), high: high.min(1e300), log, reversed }
    }

    /// Where a value lies, 0 at the lower end and 1 at the upper.
    pub fn fraction(&self, value: f64) -> f64 {
        let fraction = if self.log {
            if value <= 0.0 {
                return f64::NAN;
            }
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            // Halves, so that the largest numbers do not overflow.
            (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
        };
        if self.reversed { 1.0 - fraction } else { fraction }
    }
}
