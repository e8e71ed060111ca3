//! Error on fresh examples against the number of gradients computed, of methods that optimise well and badly.

use bolete::prelude::*;

use super::{Config, figures};
use crate::session::Session;

/// Coordinates of an example.
const DIMENSIONS: usize = 20;

/// Examples x ~ N(0, D) with P(y = 1 | x) = sigmoid(w·x): `([n, 20], [n])`. Scales of the coordinates go from 1 to 0.1.
fn examples(count: usize, key: &Key) -> (Tensor, Tensor) {
    // The weights are the same for training and test.
    let truth = Key::new(900);
    let [position, label] = key.split();
    let scales = Tensor::logspace(0.0, -1.0, DIMENSIONS, 10.0, DType::F64);
    let x = position.normal([count, DIMENSIONS], DType::F64) * scales;
    let weights = truth.normal([DIMENSIONS], DType::F64) * 2.0;
    let y = label.uniform([count], DType::F64).less(x.matmul(&weights).sigmoid()).cast(DType::F64);
    (x, y)
}

fn loss(weights: &Tensor, x: &Tensor, y: &Tensor) -> Tensor {
    binary_cross_entropy_with_logits(&x.matmul(weights), y)
}

/// How far a method came: gradients of single examples computed, training loss and loss on fresh examples, both in nats
/// above the best that is known.
pub(super) struct Course {
    pub name: String,
    pub gradients: Vec<f64>,
    pub train: Vec<f64>,
    pub test: Vec<f64>,
}

/// Training and test examples.
struct Data {
    train: (Tensor, Tensor),
    test: (Tensor, Tensor),
    /// Losses of the minimiser of the training loss, on training and test examples.
    floor: [f64; 2],
}

impl Data {
    fn new(config: &Config) -> Data {
        let [train, test] = Key::new(config.seed + 7).split();
        let (train, test) = (examples(config.train_size, &train), examples(config.train_size, &test));
        let start = Tensor::zeros([DIMENSIONS], DType::F64);
        let found =
            Lbfgs::default().minimise(&start, |weights: &Tensor| loss(weights, &train.0, &train.1)).model;
        let floor = [&train, &test].map(|(x, y)| loss(&found, x, y).item());
        Data { train, test, floor }
    }

    /// Gradient descent with batches of a size, at the rate γ / (1 + t/τ) after t of all examples were seen.
    fn descend(&self, name: &str, batch: usize, rate: f64, tau: f64, config: &Config) -> Course {
        let (x, y) = &self.train;
        let count = y.elements();
        let (rows, labels) = (x.to_vec::<f64>(), y.to_vec::<f64>());
        let mut step = Step::new(|(weights, x, y, rate): (Tensor, Tensor, Tensor, Tensor)| {
            let slope = grad(|weights: &Tensor| loss(weights, &x, &y))(&weights);
            weights - slope * rate
        });
        let mut measure = Step::new(|(weights, x, y): (Tensor, Tensor, Tensor)| loss(&weights, &x, &y));
        let mut course = Course { name: name.to_owned(), gradients: vec![], train: vec![], test: vec![] };
        let mut weights = Tensor::zeros([DIMENSIONS], DType::F64);
        let (mut seen, mut next_look) = (0usize, (batch.max(count / 400)) as f64);
        'passes: for _ in 0..config.passes {
            for first in (0..count - count % batch).step_by(batch) {
                let now = rate / (1.0 + seen as f64 / (tau * count as f64));
                let last = first + batch;
                let x = Tensor::from_slice(&rows[first * DIMENSIONS..last * DIMENSIONS], [batch, DIMENSIONS]);
                let y = Tensor::from_slice(&labels[first..last], [batch]);
                weights = step.call((weights, x, y, Tensor::from(now)));
                seen += batch;
                if seen as f64 >= next_look {
                    let [train, test] = [&self.train, &self.test]
                        .map(|(x, y)| measure.call((weights.clone(), x.clone(), y.clone())).item());
                    course.gradients.push(seen as f64);
                    course.train.push(train - self.floor[0]);
                    course.test.push(test - self.floor[1]);
                    next_look = seen as f64 * 1.25;
                }
                if seen >= config.passes * count {
                    break 'passes;
                }
            }
        }
        course
    }
}

pub(super) fn run(config: &Config, session: &mut Session) -> anyhow::Result<()> {
    session.heading("When examples are many and time is short")?;
    session.progress("logistic regression on many examples")?;
    let data = Data::new(config);
    let count = config.train_size;
    // The rates suit each method; they were not searched.
    let kinds = [
        ("all examples per step", count, 8.0, f64::INFINITY),
        ("100 per step", 100.min(count), 2.0, 0.3),
        ("10 per step", 10.min(count), 0.5, 0.1),
    ];
    let mut courses = Vec::new();
    for (name, batch, rate, tau) in kinds {
        session.progress(&format!("logistic regression, {name}"))?;
        // Small batches need no more than a few passes; their steps are small too, and many.
        let passes = if batch < count { config.passes.min(5) } else { config.passes };
        courses.push(data.descend(name, batch, rate, tau, &Config { passes, ..config.clone() }));
    }
    session.say(
        "The error has three parts: what the model cannot express (approximation), what the data do not tell \
         (estimation), and what the minimiser has not reached (optimisation). Where data are plenty and time is not, a \
         method that minimises badly but sees more examples per second wins (Bottou and Bousquet 2008).",
    )?;
    let rows = courses.iter().map(|course| {
        let at = |passes: f64| {
            let place = course.gradients.iter().rposition(|seen| *seen <= passes * count as f64);
            place.map_or("-".to_owned(), |place| format!("{:.5}", course.test[place]))
        };
        vec![course.name.clone(), at(0.1), at(1.0), at(5.0), at(config.passes as f64)]
    });
    let header = ["method", "0.1 passes", "1 pass", "5 passes", "all passes"];
    session.table("Test loss above that of the best fit, in nats", &header, rows.collect())?;
    let at_one_pass = |course: &Course| {
        course.gradients.iter().rposition(|seen| *seen <= 1.01 * count as f64).map(|place| course.test[place])
    };
    if let (Some(all), Some(few)) = (at_one_pass(&courses[0]), at_one_pass(&courses[2])) {
        session.result(
            "excess test loss after one pass, all per step over 10 per step",
            all / few.max(1e-12),
            "far above 1",
        )?;
    }
    figures::trade_off(session, &courses, count)
}
