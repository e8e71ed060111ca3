//! Colours, the palette of series, and colour maps.

/// A colour: red, green, blue and opacity, 8 bits each (sRGB, not premultiplied).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity: 0 is invisible, 255 covers.
    pub alpha: u8,
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::hex(0x000000);
    /// White.
    pub const WHITE: Self = Self::hex(0xffffff);
    /// Blue, the first of the palette.
    pub const BLUE: Self = Self::hex(0x0072b2);
    /// Vermilion, the second of the palette.
    pub const RED: Self = Self::hex(0xd55e00);
    /// Green, the third of the palette.
    pub const GREEN: Self = Self::hex(0x009e73);
    /// Reddish purple, the fourth of the palette.
    pub const PURPLE: Self = Self::hex(0xcc79a7);
    /// Orange, the fifth of the palette.
    pub const ORANGE: Self = Self::hex(0xe69f00);
    /// Sky blue, the sixth of the palette.
    pub const SKY: Self = Self::hex(0x56b4e9);
    /// Gray, the seventh of the palette.
    pub const GRAY: Self = Self::hex(0x7a7a7a);
    /// Wine, the eighth of the palette.
    pub const WINE: Self = Self::hex(0x882255);
    /// Yellow; too light for lines, good on pictures.
    pub const YELLOW: Self = Self::hex(0xf0e442);

    /// An opaque colour from its parts.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: 255 }
    }

    /// An opaque colour from 0xRRGGBB. Bits above are ignored.
    pub const fn hex(value: u32) -> Self {
        Self::rgb((value >> 16) as u8, (value >> 8) as u8, value as u8)
    }

    /// The colour of series number `index`: a palette that people with any common kind of colour blindness can tell
    /// apart (Okabe and Ito 2008, without the yellow), repeated after eight.
    pub const fn series(index: usize) -> Self {
        const PALETTE: [Colour; 8] = [
            Colour::BLUE,
            Colour::RED,
            Colour::GREEN,
            Colour::PURPLE,
            Colour::ORANGE,
            Colour::SKY,
            Colour::GRAY,
            Colour::WINE,
        ];
        PALETTE[index % PALETTE.len()]
    }

    /// The colour with its opacity multiplied by `factor` (clamped to 0 to 1).
    pub fn opacity(self, factor: f64) -> Self {
        Self { alpha: (f64::from(self.alpha) * factor.clamp(0.0, 1.0)).round() as u8, ..self }
    }

    /// The colour that lies `amount` (0 to 1) of the way to `other`.
    pub fn mix(self, other: Self, amount: f64) -> Self {
        let amount = amount.clamp(0.0, 1.0);
        let channel = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * amount).round() as u8;
        Self {
            red: channel(self.red, other.red),
            green: channel(self.green, other.green),
            blue: channel(self.blue, other.blue),
            alpha: channel(self.alpha, other.alpha),
        }
    }

    /// Whether white text reads better on the colour than black text.
    pub fn is_dark(self) -> bool {
        let luma = 0.299 * f64::from(self.red) + 0.587 * f64::from(self.green) + 0.114 * f64::from(self.blue);
        luma < 140.0
    }

    /// `#rrggbb`, without the opacity.
    pub(crate) fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// A map from 0..1 to colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourMap {
    /// Dark blue over green to yellow; evenly graded, also in print and for the colour blind.
    #[default]
    Viridis,
    /// Black over purple and orange to pale yellow; for densities and attention.
    Magma,
    /// Blue over white to red; for values on both sides of a middle.
    Diverging,
    /// Black to white.
    Gray,
    /// White to dark blue; for counts with text on them.
    Blues,
}

impl ColourMap {
    /// The colour at `position`, clamped to 0 to 1; transparent for a position that is not a number.
    pub fn at(self, position: f64) -> Colour {
        if position.is_nan() {
            return Colour::BLACK.opacity(0.0);
        }
        let stops: &[u32] = match self {
            Self::Viridis => &VIRIDIS,
            Self::Magma => &MAGMA,
            Self::Diverging => &DIVERGING,
            Self::Gray => &[0x000000, 0xffffff],
            Self::Blues => &BLUES,
        };
        let place = position.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
        let below = (place.floor() as usize).min(stops.len() - 2);
        Colour::hex(stops[below]).mix(Colour::hex(stops[below + 1]), place - below as f64)
    }
}

/// Matplotlib's viridis (van der Walt and Smith 2015) at 33 places.
const VIRIDIS: [u32; 33] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b, 0x375b8d,
    0x33638d, 0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f988b, 0x1fa088, 0x22a785,
    0x28ae80, 0x32b67a, 0x3fbc73, 0x4ec36b, 0x5ec962, 0x70cf57, 0x84d44b, 0x98d83e, 0xaddc30, 0xc2df23,
    0xd8e219, 0xece51b, 0xfde725,
];

/// Matplotlib's magma at 33 places.
const MAGMA: [u32; 33] = [
    0x000004, 0x030312, 0x0a0822, 0x130d34, 0x1d1147, 0x29115a, 0x36106b, 0x440f76, 0x51127c, 0x5d177f,
    0x6a1c81, 0x762181, 0x832681, 0x902a81, 0x9c2e7f, 0xaa337d, 0xb73779, 0xc43c75, 0xd0416f, 0xdc4869,
    0xe75263, 0xef5d5e, 0xf56b5c, 0xf9795d, 0xfc8961, 0xfd9869, 0xfea772, 0xfeb67c, 0xfec488, 0xfed395,
    0xfde2a3, 0xfcf0b2, 0xfcfdbf,
];

/// ColorBrewer's RdBu (Brewer 2003), reversed, at 33 places.
const DIVERGING: [u32; 33] = [
    0x053061, 0x0e4179, 0x175290, 0x1f63a8, 0x2a71b2, 0x3480b9, 0x3f8ec0, 0x529dc8, 0x6bacd1, 0x84bcd9,
    0x9bc9e0, 0xaed3e6, 0xc2ddec, 0xd4e6f1, 0xe0ecf3, 0xecf2f5, 0xf7f6f6, 0xf9eee7, 0xfbe5d8, 0xfddcc9,
    0xfbccb4, 0xf8bb9e, 0xf5aa89, 0xee9677, 0xe48066, 0xdb6b55, 0xd05548, 0xc53e3d, 0xba2832, 0xab162a,
    0x930e26, 0x7c0722, 0x67001f,
];

/// ColorBrewer's Blues of nine classes.
const BLUES: [u32; 9] =
    [0xf7fbff, 0xdeebf7, 0xc6dbef, 0x9ecae1, 0x6baed6, 0x4292c6, 0x2171b5, 0x08519c, 0x08306b];
