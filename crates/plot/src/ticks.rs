//! Where ticks stand, and how numbers are written.

use crate::font;

/// A tick: a value and what is written beside it (nothing for a small tick).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: String,
}

/// Ticks at round values within `low..=high`, steps of 1, 2 or 5 times a power of ten, `wanted` of them or up to a quarter more or
/// fewer by half.
pub(crate) fn linear(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let rough = span / wanted.max(1) as f64;
    let power = rough.log10().floor();
    let unit = 10f64.powi(power as i32);
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * unit >= rough * 0.8);
    let step = factor.unwrap_or(10.0) * unit;
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let count = (last - first).clamp(-1.0, 1000.0) as i64;
    let values: Vec<f64> = (0..=count).map(|index| (first + index as f64) * step).collect();
    let labels = labels(&values, step);
    values.into_iter().zip(labels).map(|(value, label)| Tick { value, label }).collect()
}

/// Ticks of a logarithmic axis, with at most `most` labels: decades where there are enough of them, otherwise 1, 2, 5
/// or finer between them, and small ticks without a label.
pub(crate) fn logarithmic(low: f64, high: f64, most: usize) -> Vec<Tick> {
    if !(low > 0.0 && high > low && high.is_finite()) {
        return Vec::new();
    }
    let inside = |value: f64| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades: Vec<i32> = (first..=last).filter(|&power| inside(10f64.powi(power))).collect();
    let mut ticks = Vec::new();
    if decades.len() >= 2 {
        let every = decades.len().div_ceil(most.max(1)) as i32;
        for &power in &decades {
            let label = if power.rem_euclid(every) == 0 { power_label(power) } else { String::new() };
            ticks.push(Tick { value: 10f64.powi(power), label });
        }
        // All or none of them: a lone decade must not look like a small tick.
        if ticks.iter().filter(|tick| !tick.label.is_empty()).count() == 0 {
            for tick in ticks.iter_mut().step_by(every as usize) {
                tick.label = power_label(tick.value.log10().round() as i32);
            }
        }
        if decades.len() <= 12 {
            for power in first..=last {
                for digit in 2..10 {
                    let value = f64::from(digit) * 10f64.powi(power);
                    if inside(value) {
                        ticks.push(Tick { value, label: String::new() });
                    }
                }
            }
        }
    } else if high / low < 3.0 {
        ticks = linear(low, high, most.min(5));
    } else {
        for power in first - 1..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(power);
                if inside(value) {
                    let named = matches!(digit, 1 | 2 | 5);
                    ticks.push(Tick { value, label: if named { number(value) } else { String::new() } });
                }
            }
        }
    }
    ticks.sort_by(|a, b| a.value.total_cmp(&b.value));
    ticks
}

/// As many ticks as fit on `length` pixels. `along` says whether labels stand side by side rather than above each
/// other, and so must not be wider than their distance.
pub(crate) fn fitting(low: f64, high: f64, log: bool, length: f64, size: f64, along: bool) -> Vec<Tick> {
    let per_label = if along { 48.0 } else { 34.0 };
    let most = ((length / per_label).floor() as usize).clamp(1, 9);
    let position = |value: f64| {
        let fraction =
            if log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
        fraction * length
    };
    for wanted in (1..=most).rev() {
        let ticks = if log { logarithmic(low, high, wanted) } else { linear(low, high, wanted) };
        let named: Vec<(f64, f64)> = ticks
            .iter()
            .filter(|tick| !tick.label.is_empty())
            .map(|tick| {
                let room = if along { font::width(&tick.label, size) + 10.0 } else { size * 1.3 };
                (position(tick.value), room)
            })
            .collect();
        let fits = named.windows(2).all(|pair| pair[1].0 - pair[0].0 >= (pair[0].1 + pair[1].1) / 2.0);
        if fits {
            return ticks;
        }
    }
    let mut ticks = if log { logarithmic(low, high, 1) } else { linear(low, high, 1) };
    let mut named = ticks.iter_mut().filter(|tick| !tick.label.is_empty());
    named.next();
    named.for_each(|tick| tick.label.clear());
    ticks
}

/// Labels of values that are `step` apart, all with the same number of decimals.
fn labels(values: &[f64], step: f64) -> Vec<String> {
    let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    // Labels for the part that differs would hide that most digits are the same, so all are written.
    if largest < 1e6 && (decimals <= 4 || step / largest < 1e-4) {
        return values.iter().map(|&value| grouped(value, decimals.min(12))).collect();
    }
    let power = largest.log10().floor() as i32;
    let digits = ((f64::from(power) - step.log10() - 1e-9).ceil().max(0.0) as usize).min(12);
    values
        .iter()
        .map(|&value| {
            if value == 0.0 {
                return "0".to_string();
            }
            let front = grouped(value / 10f64.powi(power), digits);
            match front.as_str() {
                "1" => power_label(power),
                _ => format!("{front}×{}", power_label(power)),
            }
        })
        .collect()
}

/// `10ⁿ`; plain from 1 to 10.
fn power_label(power: i32) -> String {
    match power {
        0 => "1".to_string(),
        1 => "10".to_string(),
        _ => format!("10{}", superscript(power)),
    }
}

fn superscript(power: i32) -> String {
    let raised = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' => '⁰',
        other => char::from_u32(other as u32 - '4' as u32 + '⁴' as u32).unwrap_or(other),
    };
    power.to_string().chars().map(raised).collect()
}

/// A number with thousands apart and a true minus sign.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|digit| matches!(digit, b'1'..=b'9')) {
        out.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && whole.len() > 4 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !part.is_empty() {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// A number as a person would write it: four significant digits, powers of ten where it is very large or small.
///
/// # Examples
/// ```
/// use bolete_plot::number;
/// assert_eq!(number(0.25), "0.25");
/// assert_eq!(number(-12345.6), "−12,346");
/// assert_eq!(number(3.2e-7), "3.2×10⁻⁷");
/// ```
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_string();
    }
    if value == 0.0 {
        return "0".to_string();
    }
    let short = |value: f64, decimals: usize| {
        let text = grouped(value, decimals);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
    };
    let power = value.abs().log10().floor() as i32;
    if (-4..6).contains(&power) {
        return short(value, (3 - power).max(0) as usize);
    }
    match short(value / 10f64.powi(power), 3).as_str() {
        "1" => power_label(power),
        front => format!("{front}×{}", power_label(power)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        for exponent in -12..12 {
            for (from, to) in [(0.0, 1.0), (-3.7, 9.1), (0.99, 1.01), (-5.0, -4.2), (1.0, 7.3)] {
                let unit = 10f64.powi(exponent);
                let (low, high) = (from * unit, to * unit);
                for wanted in 2..9 {
                    let ticks = linear(low, high, wanted);
                    assert!(!ticks.is_empty() && ticks.len() <= wanted * 5 / 4 + 1, "{low} {high} {wanted}");
                    let step = (high - low) / wanted as f64 * 2.0 + unit * 1e-9;
                    assert!(ticks[0].value - low <= step && high - ticks[ticks.len() - 1].value <= step);
                    assert!(
                        ticks.iter().all(|t| t.value >= low - step * 1e-6 && t.value <= high + step * 1e-6)
                    );
                    let mut labels = written(&ticks);
                    labels.dedup();
                    assert_eq!(labels.len(), ticks.len(), "labels differ: {ticks:?}");
                }
            }
        }
    }

    #[test]
    fn labels_are_readable() {
        assert_eq!(written(&linear(0.0, 20000.0, 4)), ["0", "5000", "10,000", "15,000", "20,000"]);
        assert_eq!(written(&linear(-1.0, 1.0, 4)), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(written(&linear(0.0, 4e6, 4)), ["0", "10⁶", "2×10⁶", "3×10⁶", "4×10⁶"]);
        assert_eq!(written(&linear(0.0, 2e-5, 2)), ["0", "10⁻⁵", "2×10⁻⁵"]);
        assert_eq!(written(&logarithmic(1e-3, 100.0, 9)), ["10⁻³", "10⁻²", "10⁻¹", "1", "10", "10²"]);
        assert_eq!(written(&logarithmic(2.0, 60.0, 9)), ["2", "5", "10", "20", "50"]);
        assert_eq!(number(1e15), "10¹⁵");
        assert_eq!(number(0.000123456), "0.0001235");
    }

    #[test]
    fn labels_that_fit_do_not_overlap() {
        for length in [30.0, 80.0, 200.0, 400.0] {
            for (low, high, log) in
                [(0.0, 1e-7, false), (0.0, 123_456.0, false), (1e-8, 1e8, true), (3.0, 4.0, true)]
            {
                let ticks = fitting(low, high, log, length, 11.0, true);
                let place = |v: f64| {
                    length * if log { (v / low).ln() / (high / low).ln() } else { (v - low) / (high - low) }
                };
                let named: Vec<_> = ticks.iter().filter(|tick| !tick.label.is_empty()).collect();
                for pair in named.windows(2) {
                    let room = (font::width(&pair[0].label, 11.0) + font::width(&pair[1].label, 11.0)) / 2.0;
                    assert!(place(pair[1].value) - place(pair[0].value) > room);
                }
            }
        }
    }
}
