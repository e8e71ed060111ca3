//! What is searched: a key with the values that it may take.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SweepError;

/// A key and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    /// The key of the configuration.
    pub key: String,
    /// Its values.
    pub domain: Domain,
}

/// Values that a key may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Domain {
    /// Numbers from `low` to `high`.
    Real {
        /// The lowest.
        low: f64,
        /// The highest.
        high: f64,
        /// Whether equal ratios are equally likely, instead of equal differences.
        log: bool,
        /// Number of values where only evenly spread ones are taken.
        steps: Option<u64>,
    },
    /// Whole numbers from `low` to `high`, both included.
    Integer {
        /// The lowest.
        low: i64,
        /// The highest.
        high: i64,
    },
    /// One of these.
    Choice {
        /// As they are written in an assignment.
        values: Vec<String>,
    },
}

impl FromStr for Space {
    type Err = SweepError;

    /// `key=0.0..0.5`, `key=log:1e-4..1e-1`, `key=0.0..1.0/5` (five values), `key=int:1..6`, `key=choice:a,b,c`.
    fn from_str(text: &str) -> Result<Space, SweepError> {
        let wrong = |reason: &str| SweepError::Space { found: text.to_owned(), reason: reason.to_owned() };
        let (key, domain) = text.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
        let key = key.trim();
        if key.is_empty() {
            return Err(wrong("there is no key"));
        }
        let (kind, rest) = domain.split_once(':').unwrap_or(("real", domain));
        let range = || rest.split_once("..").ok_or_else(|| wrong("there is no `..` between two numbers"));
        let domain = match kind.trim() {
            "choice" => {
                let values: Vec<String> = rest.split(',').map(|value| value.trim().to_owned()).collect();
                if values.iter().any(String::is_empty) {
                    return Err(wrong("a choice is empty"));
                }
                Domain::Choice { values }
            }
            "int" => {
                let (low, high) = range()?;
                let whole = |text: &str| {
                    text.trim().parse::<i64>().map_err(|_| wrong(&format!("`{text}` is not a whole number")))
                };
                let (low, high) = (whole(low)?, whole(high)?);
                if low > high {
                    return Err(wrong("the first number must not be above the second"));
                }
                Domain::Integer { low, high }
            }
            kind @ ("real" | "log") => {
                let log = kind == "log";
                let (low, high) = range()?;
                let (high, steps) = match high.split_once('/') {
                    Some((high, steps)) => {
                        let steps = steps.trim().parse().ok().filter(|steps| *steps > 1);
                        (high, Some(steps.ok_or_else(|| wrong("the number of steps must be at least 2"))?))
                    }
                    None => (high, None),
                };
                let number = |text: &str| {
                    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                    number.ok_or_else(|| wrong(&format!("`{text}` is not a number")))
                };
                let (low, high) = (number(low)?, number(high)?);
                if low >= high {
                    return Err(wrong("the first number must be below the second"));
                }
                if log && low <= 0.0 {
                    return Err(wrong("a logarithmic space must be above 0"));
                }
                Domain::Real { low, high, log, steps }
            }
            other => return Err(wrong(&format!("there is no kind `{other}`"))),
        };
        Ok(Space { key: key.to_owned(), domain })
    }
}

impl Domain {
    /// Some values as they are written in assignments: the ends, or all choices; enough to see whether they are allowed.
    pub fn samples(&self) -> Vec<String> {
        let (low, high) = self.interval();
        let places = match self {
            Domain::Choice { values } => return values.clone(),
            _ => [low, high],
        };
        places.iter().map(|place| self.written(self.round(*place))).collect()
    }

    /// The interval in which values are searched: logarithms of a logarithmic space, half a number more on either side
    /// for whole numbers, the index of a choice.
    pub(super) fn interval(&self) -> (f64, f64) {
        match self {
            Domain::Real { low, high, log: true, .. } => (low.ln(), high.ln()),
            Domain::Real { low, high, .. } => (*low, *high),
            Domain::Integer { low, high } => (*low as f64 - 0.5, *high as f64 + 0.5),
            Domain::Choice { values } => (-0.5, values.len() as f64 - 0.5),
        }
    }

    /// Number of values, where there are finitely many.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Domain::Real { steps, .. } => *steps,
            Domain::Integer { low, high } => u64::try_from(high - low + 1).ok(),
            Domain::Choice { values } => Some(values.len() as u64),
        }
    }

    /// The place in the interval of the value with this number, of finitely many.
    pub(super) fn place(&self, index: u64) -> f64 {
        let (low, high) = self.interval();
        match self {
            Domain::Real { steps, .. } => {
                low + (high - low) * index as f64 / (steps.unwrap_or(2).max(2) - 1) as f64
            }
            Domain::Integer { low, .. } => (*low + index as i64) as f64,
            Domain::Choice { .. } => index as f64,
        }
    }

    /// The nearest place at which there is a value.
    pub(super) fn round(&self, place: f64) -> f64 {
        let (low, high) = self.interval();
        match self {
            Domain::Real { steps: Some(steps), .. } => {
                let index = ((place - low) / (high - low) * (*steps - 1) as f64).round();
                self.place(index.clamp(0.0, (*steps - 1) as f64) as u64)
            }
            Domain::Real { .. } => place.clamp(low, high),
            Domain::Integer { .. } | Domain::Choice { .. } => place.round().clamp(low + 0.5, high - 0.5),
        }
    }

    /// The value at a place, as it is written in an assignment.
    pub(super) fn written(&self, place: f64) -> String {
        match self {
            Domain::Real { low, high, log, .. } => {
                let value = if *log { place.exp().clamp(*low, *high) } else { place };
                // Seven digits are more than any of these values deserves, and short enough to read.
                let short: f64 = format!("{value:.6e}").parse().unwrap_or(value);
                if short != 0.0 && (short.abs() < 1e-3 || short.abs() >= 1e6) {
                    format!("{short:e}")
                } else {
                    format!("{short:?}")
                }
            }
            Domain::Integer { .. } => format!("{}", place.round() as i64),
            Domain::Choice { values } => {
                values.get(place.round().max(0.0) as usize).cloned().unwrap_or_default()
            }
        }
    }
}
