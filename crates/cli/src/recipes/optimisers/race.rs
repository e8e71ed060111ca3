//! Optimisers of the library let loose on a surface, through a tree of two numbers.

use bolete::nn::{
    AdaDeltaConfig, AdaGradConfig, AdaMaxConfig, AdafactorConfig, LambConfig, NAdamConfig, RAdamConfig,
    RmsPropConfig,
};
use bolete::prelude::*;

use super::Config;
use super::surface::Surface;

/// The points that an optimiser visits, the start first.
pub type Path = Vec<[f64; 2]>;

/// How often gradients are taken, and with what noise.
#[derive(Clone, Debug)]
pub struct Race {
    /// Where.
    pub surface: Surface,
    /// Updates.
    pub steps: usize,
    /// What is added to the gradient of each update for those who descend stochastically.
    pub noise: Vec<[f64; 2]>,
}

impl Race {
    /// A race on this surface, with the noise of the configured seed.
    pub fn new(config: &Config, surface: Surface) -> Race {
        let noise = Key::new(config.seed).normal([config.steps, 2], DType::F64) * config.noise;
        let noise = noise.to_vec::<f64>().chunks(2).map(|pair| [pair[0], pair[1]]).collect();
        Race { surface, steps: config.steps, noise }
    }
}

type Run = Box<dyn Fn(&Race, f64) -> Path>;

/// An optimiser with its learning rate.
pub struct Racer {
    /// What it is called.
    pub name: &'static str,
    /// The learning rate.
    pub rate: f64,
    /// Whether the course has it.
    pub of_course: bool,
    run: Run,
}

impl Racer {
    /// The points that it visits.
    pub fn path(&self, race: &Race) -> Path {
        (self.run)(race, self.rate)
    }

    /// The points that it visits with another learning rate.
    pub fn path_at(&self, race: &Race, rate: f64) -> Path {
        (self.run)(race, rate)
    }
}

/// All optimisers; `descent` is the rate of those whose steps are as long as the gradient, `adaptive` of those whose steps
/// are about as long as the rate.
pub fn racers(descent: f64, adaptive: f64) -> Vec<Racer> {
    let momentum = SgdConfig { momentum: 0.9, ..SgdConfig::default() };
    let amsgrad = AdamConfig { amsgrad: true, ..AdamConfig::default() };
    let course = |name, rate, run| Racer { name, rate, of_course: true, run };
    let other = |name, rate, run| Racer { name, rate, of_course: false, run };
    vec![
        course("gradient descent", descent, plain(SgdConfig::default(), false)),
        course("SGD", descent, plain(SgdConfig::default(), true)),
        course("momentum", descent, plain(momentum, false)),
        course("Nesterov", descent, plain(SgdConfig { nesterov: true, ..momentum }, false)),
        course("AdaGrad", adaptive, plain(AdaGradConfig::default(), false)),
        course("RMSProp", adaptive, plain(RmsPropConfig { alpha: 0.9, ..RmsPropConfig::default() }, false)),
        course("Adam", adaptive, plain(AdamConfig::default(), false)),
        course("AdamW", adaptive, plain(AdamWConfig::default(), false)),
        other("AMSGrad", adaptive, plain(amsgrad, false)),
        other("NAdam", adaptive, plain(NAdamConfig::default(), false)),
        other("AdaMax", adaptive, plain(AdaMaxConfig::default(), false)),
        other("RAdam", descent, plain(RAdamConfig::default(), false)),
        other("AdaDelta", 1.0, plain(AdaDeltaConfig::default(), false)),
        other(
            "Lion",
            adaptive / 5.0,
            plain(LionConfig { weight_decay: 0.0, ..LionConfig::default() }, false),
        ),
        other(
            "LAMB",
            adaptive / 5.0,
            plain(LambConfig { weight_decay: 0.0, ..LambConfig::default() }, false),
        ),
        other("Adafactor", adaptive / 5.0, plain(AdafactorConfig::default(), false)),
        other("Muon", adaptive / 5.0, muon(MuonConfig { weight_decay: 0.0, ..MuonConfig::default() })),
    ]
}

/// On two single numbers, as leaves of a pair.
fn plain<R: UpdateRule + 'static>(rule: R, noisy: bool) -> Run {
    Box::new(move |race, rate| {
        let [x, y] = race.surface.start();
        let start = (Tensor::from(x), Tensor::from(y));
        path(&rule, race, rate, start, |(x, y)| (x.clone(), y.clone()), noisy)
    })
}

/// On a matrix of one row: what Muon makes orthogonal must be a matrix, and of one row that is a step of length 1.
fn muon(rule: MuonConfig) -> Run {
    Box::new(move |race, rate| {
        let start = Tensor::from([race.surface.start()]);
        let number = |point: &Tensor, column: usize| point.narrow(1, column, 1).sum(..);
        path(&rule, race, rate, start, |point| (number(point, 0), number(point, 1)), false)
    })
}

fn path<R: UpdateRule, M: Tree + Clone>(
    rule: &R,
    race: &Race,
    rate: f64,
    start: M,
    numbers: impl Fn(&M) -> (Tensor, Tensor),
    noisy: bool,
) -> Path {
    // Of the noise only the product with the gradient's argument matters: its slope is the noise.
    let mut step =
        Step::new(|(point, optimiser, noise): (M, bolete::nn::RuleOptimiser<R>, (Tensor, Tensor))| {
            let slope = grad(|point: &M| {
                let (x, y) = numbers(point);
                race.surface.value(&x, &y) + x * &noise.0 + y * &noise.1
            })(&point);
            let (point, optimiser) = optimiser.update(point, &slope);
            let (x, y) = numbers(&point);
            (point, optimiser, x, y)
        });
    let mut optimiser = rule.init(&start).with_learning_rate(rate);
    let mut point = start;
    let mut path = vec![race.surface.start()];
    for number in 0..race.steps {
        let [a, b] = if noisy { race.noise[number] } else { [0.0; 2] };
        let (x, y);
        (point, optimiser, x, y) = step.call((point, optimiser, (Tensor::from(a), Tensor::from(b))));
        path.push([x.item(), y.item()]);
    }
    path
}

/// On a constant slope of 1 momentum speeds up to γ/(1 − α).
pub fn terminal_speed(rate: f64, momentum: f64) -> f64 {
    let mut at = Tensor::from(0.0f64);
    let mut optimiser = SgdConfig { learning_rate: rate, momentum, ..SgdConfig::default() }.init(&at);
    let mut speed = 0.0;
    for _ in 0..400 {
        let before = at.item();
        (at, optimiser) = optimiser.update(at, &Tensor::from(1.0f64));
        speed = before - at.item();
    }
    speed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(name: &str, steps: usize) -> Path {
        let racers = racers(0.01, 0.1);
        let racer = racers.iter().find(|racer| racer.name == name).expect("it is listed");
        racer.path(&Race { surface: Surface::Beale, steps, noise: vec![[1.0, -2.0]; steps] })
    }

    /// After 30 and 300 updates from (0.7, 1.4), by PyTorch 2 in `f64`.
    #[test]
    fn paths_are_those_of_another_implementation() {
        let golden = [
            (
                "gradient descent",
                [1.8335004770973415, 0.07309438103033891],
                [2.8037293666159764, 0.44658895634183576],
            ),
            ("momentum", [4.333935454723259, 0.6828189123193076], [3.08636946834178, 0.5207698016952045]),
            ("Nesterov", [3.4400566228485436, 0.5917244399628726], [3.0000326982251893, 0.5000081613249265]),
            ("AdaGrad", [0.5461781435159945, 0.7868004774084058], [2.1396198346615503, 0.1848621473632198]),
            ("RMSProp", [2.1820981449394976, 0.2014193622481419], [2.773755472079115, 0.4976383229220753]),
            ("Adam", [1.4439302387268496, -0.038495506708948], [2.977069032898681, 0.49420375864237126]),
            ("AdamW", [1.443989633631072, -0.04741570121046937], [2.815422559989666, 0.4501332660524708]),
            ("AMSGrad", [1.443935054375048, -0.03838456178567916], [2.9717544437336034, 0.49284462091478765]),
            ("NAdam", [1.5627821511460291, 0.10332179416752474], [2.9792311131662927, 0.4947394253330087]),
            ("AdaMax", [0.5768947318927682, 0.5123321750560866], [2.6127146437186735, 0.382377615783432]),
            ("AdaDelta", [0.608891746922967, 1.3065033986551366], [1.4985054408259169, 0.4718003725573456]),
        ];
        for (name, early, late) in golden {
            let path = path_of(name, 300);
            for (found, expected) in [(path[30], early), (path[300], late)] {
                let away = (found[0] - expected[0]).hypot(found[1] - expected[1]);
                assert!(away < 1e-6, "{name}: {found:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn noise_is_added_to_the_gradient() {
        let (plain, noisy) = (path_of("gradient descent", 1)[1], path_of("SGD", 1)[1]);
        assert!((noisy[0] - (plain[0] - 0.01)).abs() < 1e-12 && (noisy[1] - (plain[1] + 0.02)).abs() < 1e-12);
    }

    #[test]
    fn muon_moves_by_its_rate() {
        // Of a matrix of one row the orthogonal one nearest is the row at length 1; five steps come near.
        let path = path_of("Muon", 5);
        for pair in path.windows(2) {
            let length = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
            assert!((0.6 * 0.02..1.3 * 0.02).contains(&length), "{length}");
        }
    }
}
