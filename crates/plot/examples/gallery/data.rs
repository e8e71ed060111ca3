//! Made-up data for the gallery, from a seed.

/// Numbers that look random (SplitMix64).
pub struct Noise(pub u64);

impl Noise {
    /// From 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, variance 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Several of mean 0, variance 1.
    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal()).collect()
    }
}

/// Beale's function.
pub fn beale(x: f64, y: f64) -> f64 {
    (1.5 - x + x * y).powi(2) + (2.25 - x + x * y * y).powi(2) + (2.625 - x + x * y.powi(3)).powi(2)
}

/// A gray disc on a dark ground, with a light from one side.
pub fn disc(side: usize, light: f64) -> Vec<u8> {
    let pixel = |index: usize| {
        let x = (index % side) as f64 / side as f64 * 2.0 - 1.0;
        let y = (index / side) as f64 / side as f64 * 2.0 - 1.0;
        let height = (0.64 - x * x - y * y).max(0.0).sqrt();
        (20.0 + 230.0 * (height * 0.7 - x * light * 0.3 - y * 0.2).max(0.0)).min(255.0) as u8
    };
    (0..side * side).map(pixel).collect()
}

/// A landscape: sky, a sun, hills.
pub fn landscape(width: usize, height: usize) -> Vec<u8> {
    let pixel = |index: usize| {
        let (x, y) = ((index % width) as f64 / width as f64, (index / width) as f64 / height as f64);
        let hill = 0.62 + 0.1 * (x * 7.0).sin() + 0.05 * (x * 17.0).cos();
        let sun = (x - 0.75).hypot((y - 0.25) * 0.7) < 0.09;
        if y > hill {
            let shade = 1.0 - (y - hill);
            [(60.0 * shade) as u8, (120.0 * shade) as u8, (50.0 * shade) as u8]
        } else if sun {
            [255, 221, 120]
        } else {
            [(120.0 + 90.0 * y) as u8, (170.0 + 50.0 * y) as u8, 235]
        }
    };
    (0..width * height).flat_map(pixel).collect()
}
