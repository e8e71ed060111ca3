//! Pictures of the flow.

use bolete_tensor::{DType, Tensor};

use super::Flow;

/// Colours of the upper smoke, the lower smoke and the obstacle on white, from 0 to 1.
const INKS: [[f64; 3]; 3] = [[0.86, 0.20, 0.16], [0.10, 0.38, 0.78], [0.10, 0.10, 0.12]];

impl Flow {
    /// Pictures of the smoke and the obstacle, `[steps + 1, rows, columns, 3]` bytes of red, green and blue: white air, red
    /// smoke above, blue smoke below, an almost black obstacle. Where smoke mixes, so do the colours, as inks do.
    pub fn frames(&self) -> Tensor {
        let shape = self.smoke.shape();
        let solidity = self.solidity.broadcast_to([shape[0], shape[2], shape[3]]);
        let layers = [self.smoke.narrow(1, 0, 1).squeeze(1), self.smoke.narrow(1, 1, 1).squeeze(1), solidity];
        let channel = |channel: usize| {
            let inks = layers.iter().zip(INKS);
            let passed = inks.map(|(layer, ink)| 1.0 - layer.clamp(0.0, 1.0) * (1.0 - ink[channel]));
            passed.reduce(|light, passed| light * passed).expect("three inks")
        };
        let light = Tensor::stack(&[channel(0), channel(1), channel(2)], -1);
        (light * 255.0).round().cast(DType::U8)
    }
}
