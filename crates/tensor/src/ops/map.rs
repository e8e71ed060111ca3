//! Elementwise ops: the one table.
//!
//! A row holds everything there is to say about an op: the method with its documentation, the kernel on one element
//! and the partial derivatives. Batching follows from the op being elementwise, fusion and every instruction set from
//! the kernel being an expression that is compiled into vectorised loops. Adding an op is adding a row.

use smallvec::{SmallVec, smallvec};

use crate::cpu::kernels::isa::Instructions;
use crate::cpu::kernels::math::{Float, cos_slice, sin_slice, tan_slice};
use crate::{DType, Scalar, Tensor};

use super::Op;
use super::rule::{Call, Derivatives, Rule};

/// A number an arithmetic kernel works on. Integers wrap around.
pub(crate) trait Number: Copy + PartialOrd + Send + Sync + 'static {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn negative(self) -> Self;
    fn absolute(self) -> Self;
    fn signum(self) -> Self;
    fn smaller(self, other: Self) -> Self;
    fn larger(self, other: Self) -> Self;
    fn modulus<I: Instructions>(self, other: Self) -> Self;
}

/// What a derivative is multiplied with.
enum Factor {
    Zero,
    One,
    MinusOne,
    /// The product with this.
    By(Tensor),
    /// The derivative where this is true and zero elsewhere, whatever the derivative is there.
    Where(Tensor),
}

impl Factor {
    #[track_caller]
    fn times(&self, derivative: &Tensor) -> Option<Tensor> {
        match self {
            Factor::Zero => None,
            Factor::One => Some(derivative.clone()),
            Factor::MinusOne => Some(derivative.neg()),
            Factor::By(factor) => Some(derivative.mul(factor)),
            Factor::Where(mask) => Some(mask.select(derivative, zero(derivative))),
        }
    }
}

use Factor::{By, MinusOne, One, Where, Zero};

#[track_caller]
fn zero(like: &Tensor) -> Tensor {
    Tensor::constant(0.0, like.dtype())
}

#[track_caller]
fn lit(value: f64, like: &Tensor) -> Tensor {
    Tensor::constant(value, like.dtype())
}

/// Half where both are equal, one where `a` is chosen: the derivative of a maximum or minimum at a tie.
#[track_caller]
fn choice(chosen: Tensor, a: &Tensor, b: &Tensor) -> Tensor {
    let tie = a.equal(b).cast(a.dtype()).mul(lit(0.5, a));
    chosen.cast(a.dtype()).add(tie)
}

/// 1 − x², without cancellation near ±1.
#[track_caller]
fn within_circle(x: &Tensor) -> Tensor {
    lit(1.0, x).sub(x).mul(lit(1.0, x).add(x))
}

/// a − b, and 0 where both are the same infinity.
#[track_caller]
fn finite_difference(a: &Tensor, b: &Tensor) -> Tensor {
    let same = a.equal(b).logical_and(&a.is_finite().logical_not());
    same.select(zero(a), a).sub(same.select(zero(b), b))
}

macro_rules! table {
    (
        float_unary { $($(#[doc = $fu_doc:literal])* $fu:ident $fu_name:ident: |$fu_x:ident| $fu_kernel:expr, |$fu_dx:ident, $fu_dy:ident| $fu_partial:expr;)* }
        number_unary { $($(#[doc = $nu_doc:literal])* $nu:ident $nu_name:ident: |$nu_x:ident| $nu_kernel:expr, |$nu_dx:ident, $nu_dy:ident| $nu_partial:expr;)* }
        float_slice { $($(#[doc = $fs_doc:literal])* $fs:ident $fs_name:ident: $fs_kernel:ident, |$fs_dx:ident, $fs_dy:ident| $fs_partial:expr;)* }
        float_binary { $($(#[doc = $fb_doc:literal])* $fb:ident $fb_name:ident: |$fb_a:ident, $fb_b:ident| $fb_kernel:expr, |$fb_da:ident, $fb_db:ident, $fb_dy:ident| [$fb_pa:expr, $fb_pb:expr];)* }
        number_binary { $($(#[doc = $nb_doc:literal])* $nb:ident $nb_name:ident: |$nb_a:ident, $nb_b:ident| $nb_kernel:expr, |$nb_da:ident, $nb_db:ident, $nb_dy:ident| [$nb_pa:expr, $nb_pb:expr];)* }
        comparison { $($(#[doc = $c_doc:literal])* $c:ident $c_name:ident: |$c_a:ident, $c_b:ident| $c_kernel:expr;)* }
        predicate { $($(#[doc = $p_doc:literal])* $p:ident $p_name:ident: |$p_x:ident| $p_kernel:expr;)* }
        logic { $($(#[doc = $l_doc:literal])* $l:ident $l_name:ident: |$l_a:ident, $l_b:ident| $l_kernel:expr;)* }
    ) => {
        /// The elementwise ops.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum MapOp {
            $($fu,)* $($nu,)* $($fs,)* $($fb,)* $($nb,)* $($c,)* $($p,)* $($l,)*
            /// Logical negation.
            Not,
            /// The second input where the first is true, else the third.
            Select,
        }

        impl MapOp {
            /// Every op, for tests that go over all of them.
            #[cfg(test)]
            pub const ALL: &[MapOp] = &[
                $(MapOp::$fu,)* $(MapOp::$nu,)* $(MapOp::$fs,)* $(MapOp::$fb,)* $(MapOp::$nb,)* $(MapOp::$c,)* $(MapOp::$p,)*
                $(MapOp::$l,)* MapOp::Not, MapOp::Select,
            ];

            /// The name users call it by.
            pub fn name(self) -> &'static str {
                match self {
                    $(MapOp::$fu => stringify!($fu_name),)* $(MapOp::$nu => stringify!($nu_name),)*
                    $(MapOp::$fs => stringify!($fs_name),)*
                    $(MapOp::$fb => stringify!($fb_name),)* $(MapOp::$nb => stringify!($nb_name),)*
                    $(MapOp::$c => stringify!($c_name),)* $(MapOp::$p => stringify!($p_name),)*
                    $(MapOp::$l => stringify!($l_name),)*
                    MapOp::Not => "logical_not",
                    MapOp::Select => "select",
                }
            }

            /// What the op takes and gives.
            pub fn kind(self) -> MapKind {
                match self {
                    $(MapOp::$fu)|* | $(MapOp::$fs)|* => MapKind::FloatUnary,
                    $(MapOp::$nu)|* => MapKind::NumberUnary,
                    $(MapOp::$fb)|* => MapKind::FloatBinary,
                    $(MapOp::$nb)|* => MapKind::NumberBinary,
                    $(MapOp::$c)|* => MapKind::Comparison,
                    $(MapOp::$p)|* => MapKind::Predicate,
                    $(MapOp::$l)|* => MapKind::Logic,
                    MapOp::Not => MapKind::Not,
                    MapOp::Select => MapKind::Select,
                }
            }

            /// The partial derivative of the output `y` in input `index`.
            fn partial(self, index: usize, x: &[Tensor], y: &Tensor) -> Factor {
                match self {
                    $(MapOp::$fu => { let ($fu_dx, $fu_dy) = (&x[0], y); $fu_partial })*
                    $(MapOp::$fs => { let ($fs_dx, $fs_dy) = (&x[0], y); $fs_partial })*
                    $(MapOp::$nu => { let ($nu_dx, $nu_dy) = (&x[0], y); $nu_partial })*
                    $(MapOp::$fb => {
                        let ($fb_da, $fb_db, $fb_dy) = (&x[0], &x[1], y);
                        if index == 0 { $fb_pa } else { $fb_pb }
                    })*
                    $(MapOp::$nb => {
                        let ($nb_da, $nb_db, $nb_dy) = (&x[0], &x[1], y);
                        if index == 0 { $nb_pa } else { $nb_pb }
                    })*
                    $(MapOp::$c)|* | $(MapOp::$p)|* | $(MapOp::$l)|* | MapOp::Not => Zero,
                    MapOp::Select => match index {
                        0 => Zero,
                        1 => Where(x[0].clone()),
                        _ => Where(x[0].logical_not()),
                    },
                }
            }

            /// The kernel of a unary op on floats.
            #[inline(always)]
            pub fn unary_float<I: Instructions, T: Float + Number>(self, source: &[T], target: &mut [T]) {
                match self {
                    $(MapOp::$fu => each1(source, target, #[inline(always)] |$fu_x: T| $fu_kernel),)*
                    $(MapOp::$fs => $fs_kernel::<I, T>(source, target),)*
                    $(MapOp::$nu => each1(source, target, #[inline(always)] |$nu_x: T| $nu_kernel),)*
                    _ => unreachable!("{self:?} is not a unary op on floats"),
                }
            }

            /// The kernel of a unary op on integers.
            #[inline(always)]
            pub fn unary_integer<T: Number>(self, source: &[T], target: &mut [T]) {
                match self {
                    $(MapOp::$nu => each1(source, target, #[inline(always)] |$nu_x: T| $nu_kernel),)*
                    _ => unreachable!("{self:?} is not a unary op on integers"),
                }
            }

            /// The kernel of a binary op on floats.
            #[inline(always)]
            pub fn binary_float<I: Instructions, T: Float + Number>(self, a: &[T], b: &[T], target: &mut [T]) {
                match self {
                    $(MapOp::$fb => each2(a, b, target, #[inline(always)] |$fb_a: T, $fb_b: T| $fb_kernel),)*
                    $(MapOp::$nb => each2(a, b, target, #[inline(always)] |$nb_a: T, $nb_b: T| $nb_kernel),)*
                    _ => unreachable!("{self:?} is not a binary op on floats"),
                }
            }

            /// The kernel of a binary op on integers.
            #[inline(always)]
            pub fn binary_integer<I: Instructions, T: Number>(self, a: &[T], b: &[T], target: &mut [T]) {
                match self {
                    $(MapOp::$nb => each2(a, b, target, #[inline(always)] |$nb_a: T, $nb_b: T| $nb_kernel),)*
                    _ => unreachable!("{self:?} is not a binary op on integers"),
                }
            }

            /// The kernel of a comparison.
            #[inline(always)]
            pub fn comparison<T: Number>(self, a: &[T], b: &[T], target: &mut [u8]) {
                match self {
                    $(MapOp::$c => each2(a, b, target, #[inline(always)] |$c_a: T, $c_b: T| u8::from($c_kernel)),)*
                    _ => unreachable!("{self:?} is not a comparison"),
                }
            }

            /// The kernel of a question about floats.
            #[inline(always)]
            pub fn predicate<T: Float + Number>(self, source: &[T], target: &mut [u8]) {
                match self {
                    $(MapOp::$p => each1(source, target, #[inline(always)] |$p_x: T| u8::from($p_kernel)),)*
                    _ => unreachable!("{self:?} is not a predicate"),
                }
            }

            /// The kernel of a logical op on bytes 0 and 1.
            #[inline(always)]
            pub fn logic(self, a: &[u8], b: &[u8], target: &mut [u8]) {
                match self {
                    $(MapOp::$l => each2(a, b, target, #[inline(always)] |$l_a: u8, $l_b: u8| $l_kernel),)*
                    _ => unreachable!("{self:?} is not a logical op"),
                }
            }
        }

        /// Elementwise ops.
        impl Tensor {
            $($(#[doc = $fu_doc])* #[track_caller] pub fn $fu_name(&self) -> Tensor { unary(MapOp::$fu, self) })*
            $($(#[doc = $nu_doc])* #[track_caller] pub fn $nu_name(&self) -> Tensor { unary(MapOp::$nu, self) })*
            $($(#[doc = $fs_doc])* #[track_caller] pub fn $fs_name(&self) -> Tensor { unary(MapOp::$fs, self) })*
            $($(#[doc = $fb_doc])* #[track_caller] pub fn $fb_name(&self, other: impl Operand) -> Tensor { binary(MapOp::$fb, self, other) })*
            $($(#[doc = $nb_doc])* #[track_caller] pub fn $nb_name(&self, other: impl Operand) -> Tensor { binary(MapOp::$nb, self, other) })*
            $($(#[doc = $c_doc])* #[track_caller] pub fn $c_name(&self, other: impl Operand) -> Tensor { binary(MapOp::$c, self, other) })*
            $($(#[doc = $p_doc])* #[track_caller] pub fn $p_name(&self) -> Tensor { unary(MapOp::$p, self) })*
            $($(#[doc = $l_doc])* #[track_caller] pub fn $l_name(&self, other: &Tensor) -> Tensor { binary(MapOp::$l, self, other) })*
        }
    };
}

table! {
    float_unary {
        /// eˣ.
        Exp exp: |x| x.exp::<I>(), |_x, y| By(y.clone());
        /// eˣ − 1, accurate near zero.
        Expm1 expm1: |x| x.exp_m1::<I>(), |_x, y| By(y.add(lit(1.0, y)));
        /// Natural logarithm.
        Log log: |x| x.ln::<I>(), |x, _y| By(x.reciprocal());
        /// ln(1 + x), accurate near zero.
        Log1p log1p: |x| x.ln_1p::<I>(), |x, _y| By(x.add(lit(1.0, x)).reciprocal());
        /// Square root.
        Sqrt sqrt: |x| x.sqrt::<I>(), |_x, y| By(lit(0.5, y).div(y));
        /// 1/√x.
        Rsqrt rsqrt: |x| x.rsqrt::<I>(), |x, y| By(lit(-0.5, y).mul(y).div(x));
        /// 1/x.
        Reciprocal reciprocal: |x| T::ONE / x, |_x, y| By(y.square().neg());
        /// Hyperbolic tangent.
        Tanh tanh: |x| x.tanh::<I>(), |_x, y| By(lit(1.0, y).sub(y.square()));
        /// The logistic function 1/(1 + e⁻ˣ).
        Sigmoid sigmoid: |x| x.sigmoid::<I>(), |_x, y| By(y.mul(lit(1.0, y).sub(y)));
        /// ln(1 + eˣ), without overflow.
        Softplus softplus: |x| x.softplus::<I>(), |x, _y| By(x.sigmoid());
        /// The error function 2/√π ∫₀ˣ exp(−t²) dt.
        Erf erf: |x| x.erf::<I>(),
            |x, _y| By(x.square().neg().exp().mul(lit(std::f64::consts::FRAC_2_SQRT_PI, x)));
        /// The inverse of [`erf`](Tensor::erf) on (−1, 1).
        ErfInv erf_inv: |x| x.erf_inv::<I>(),
            |_x, y| By(y.square().exp().mul(lit(1.0 / std::f64::consts::FRAC_2_SQRT_PI, y)));
        /// 2ˣ.
        Exp2 exp2: |x| T::TWO.pow::<I>(x), |_x, y| By(y.mul(lit(std::f64::consts::LN_2, y)));
        /// The angle in [−π/2, π/2] whose sine is x; NaN beyond ±1.
        Asin asin: |x| x.atan2::<I>(((T::ONE - x) * (T::ONE + x)).sqrt::<I>()),
            |x, _y| By(within_circle(x).rsqrt());
        /// The angle in [0, π] whose cosine is x; NaN beyond ±1.
        Acos acos: |x| ((T::ONE - x) * (T::ONE + x)).sqrt::<I>().atan2::<I>(x),
            |x, _y| By(within_circle(x).rsqrt().neg());
        /// The angle in (−π/2, π/2) whose tangent is x.
        Atan atan: |x| x.atan2::<I>(T::ONE), |x, _y| By(x.square().add(lit(1.0, x)).reciprocal());
        /// Hyperbolic sine.
        Sinh sinh: |x| x.sinh::<I>(), |x, _y| By(x.cosh());
        /// Hyperbolic cosine.
        Cosh cosh: |x| x.cosh::<I>(), |x, _y| By(x.sinh());
        /// The inverse of [`sinh`](Tensor::sinh).
        Asinh asinh: |x| x.asinh::<I>(), |x, _y| By(x.square().add(lit(1.0, x)).rsqrt());
        /// The non-negative number whose hyperbolic cosine is x; NaN below 1.
        Acosh acosh: |x| x.acosh::<I>(), |x, _y| By(x.sub(lit(1.0, x)).mul(x.add(lit(1.0, x))).rsqrt());
        /// The inverse of [`tanh`](Tensor::tanh) on (−1, 1), infinite at ±1.
        Atanh atanh: |x| x.atanh::<I>(), |x, _y| By(within_circle(x).reciprocal());
        /// The real cube root, also of negative numbers.
        Cbrt cbrt: |x| x.cbrt::<I>(), |_x, y| By(y.square().mul(lit(3.0, y)).reciprocal());
        /// Largest integer not above x. Its derivative is zero, like that of the other roundings.
        Floor floor: |x| x.floor::<I>(), |_x, _y| Zero;
        /// Smallest integer not below x.
        Ceil ceil: |x| x.ceil::<I>(), |_x, _y| Zero;
        /// Nearest integer, halves to the even one.
        Round round: |x| x.round::<I>(), |_x, _y| Zero;
        /// The integer part, toward zero.
        Trunc trunc: |x| x.trunc::<I>(), |_x, _y| Zero;
    }
    number_unary {
        /// −x.
        Neg neg: |x| x.negative(), |_x, _y| MinusOne;
        /// |x|; the derivative at 0 is 0.
        Abs abs: |x| x.absolute(), |x, _y| By(x.sign());
        /// −1, 0 or 1.
        Sign sign: |x| x.signum(), |_x, _y| Zero;
        /// x².
        Square square: |x| x.times(x), |x, _y| By(x.mul(lit(2.0, x)));
        /// max(x, 0); the derivative at 0 is 0.
        Relu relu: |x| x.larger(Number::ZERO), |_x, y| Where(y.greater(lit(0.0, y)));
    }
    float_slice {
        /// Sine of an angle in radians.
        Sin sin: sin_slice, |x, _y| By(x.cos());
        /// Cosine of an angle in radians.
        Cos cos: cos_slice, |x, _y| By(x.sin().neg());
        /// Tangent of an angle in radians.
        Tan tan: tan_slice, |_x, y| By(y.square().add(lit(1.0, y)));
    }
    float_binary {
        /// Division; integers are divided as `f32`.
        Div div: |a, b| a / b, |_a, b, y| [By(b.reciprocal()), By(y.div(b).neg())];
        /// aᵇ. A negative base is fine with an integer exponent; the derivative in the exponent is 0 where a ≤ 0.
        Pow pow: |a, b| a.pow::<I>(b),
            |a, b, y| [
                By(b.mul(a.pow(b.not_equal(lit(0.0, b)).select(b, lit(1.0, b)).sub(lit(1.0, b))))),
                By(y.mul(a.greater(lit(0.0, a)).select(a, lit(1.0, a)).log()))
            ];
        /// The angle of the point (b, a) in (−π, π].
        Atan2 atan2: |a, b| a.atan2::<I>(b),
            |a, b, _y| [By(b.div(a.square().add(b.square()))), By(a.div(a.square().add(b.square())).neg())];
        /// ln(eᵃ + eᵇ), without overflow.
        Logaddexp logaddexp: |a, b| a.logaddexp::<I>(b),
            |a, b, _y| [By(finite_difference(a, b).sigmoid()), By(finite_difference(b, a).sigmoid())];
    }
    number_binary {
        /// Sum.
        Add add: |a, b| a.plus(b), |_a, _b, _y| [One, One];
        /// Difference.
        Sub sub: |a, b| a.minus(b), |_a, _b, _y| [One, MinusOne];
        /// Product.
        Mul mul: |a, b| a.times(b), |a, b, _y| [By(b.clone()), By(a.clone())];
        /// The larger of two, NaN if one is; at a tie both have half the derivative.
        Maximum maximum: |a, b| a.larger(b),
            |a, b, _y| [By(choice(a.greater(b), a, b)), By(choice(b.greater(a), a, b))];
        /// The smaller of two, NaN if one is; at a tie both have half the derivative.
        Minimum minimum: |a, b| a.smaller(b),
            |a, b, _y| [By(choice(a.less(b), a, b)), By(choice(b.less(a), a, b))];
        /// The remainder of a/b with the sign of b, as in Python. An integer modulo 0 is 0.
        Modulo modulo: |a, b| a.modulus::<I>(b), |a, b, _y| [One, By(a.div(b).floor().neg())];
    }
    comparison {
        /// Whether a = b.
        Equal equal: |a, b| a == b;
        /// Whether a ≠ b.
        NotEqual not_equal: |a, b| a != b;
        /// Whether a < b.
        Less less: |a, b| a < b;
        /// Whether a ≤ b.
        LessEqual less_equal: |a, b| a <= b;
        /// Whether a > b.
        Greater greater: |a, b| a > b;
        /// Whether a ≥ b.
        GreaterEqual greater_equal: |a, b| a >= b;
    }
    predicate {
        /// Whether x is neither infinite nor NaN.
        IsFinite is_finite: |x| x.minus(x) == x.minus(x);
        /// Whether x is NaN.
        IsNan is_nan: |x| x.partial_cmp(&x).is_none();
    }
    logic {
        /// Whether both are true.
        And logical_and: |a, b| a & b;
        /// Whether one is true.
        Or logical_or: |a, b| a | b;
        /// Whether exactly one is true.
        Xor logical_xor: |a, b| a ^ b;
    }
}

/// What an elementwise op takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapKind {
    /// A float to a float; integers become `f32` first.
    FloatUnary,
    /// A number to the same type; booleans become `i64` first.
    NumberUnary,
    /// Two floats to a float.
    FloatBinary,
    /// Two numbers to a number.
    NumberBinary,
    /// Two numbers or booleans to a boolean.
    Comparison,
    /// A float to a boolean.
    Predicate,
    /// Two booleans to a boolean.
    Logic,
    /// A boolean to a boolean.
    Not,
    /// A boolean and two values of one type to that type.
    Select,
}

impl MapKind {
    /// The element type in which values of type `dtype` enter the op.
    fn operand_type(self, dtype: DType) -> DType {
        match self {
            MapKind::FloatUnary | MapKind::FloatBinary | MapKind::Predicate => dtype.to_float(),
            MapKind::NumberUnary | MapKind::NumberBinary if dtype == DType::Bool => DType::I64,
            MapKind::Logic | MapKind::Not => DType::Bool,
            _ => dtype,
        }
    }

    fn result_type(self, operand: DType) -> DType {
        match self {
            MapKind::Comparison | MapKind::Predicate | MapKind::Logic | MapKind::Not => DType::Bool,
            _ => operand,
        }
    }
}

/// The other side of a binary op: a tensor, or a Rust number, which takes the tensor's element type.
pub trait Operand {
    /// The tensor, made for meeting values of type `dtype`.
    fn to_operand(&self, dtype: DType) -> Tensor;
}

impl Operand for Tensor {
    fn to_operand(&self, _: DType) -> Tensor {
        self.clone()
    }
}

impl Operand for &Tensor {
    fn to_operand(&self, _: DType) -> Tensor {
        (*self).clone()
    }
}

macro_rules! float_operands {
    ($($type:ty),*) => {$(impl Operand for $type {
        #[track_caller]
        fn to_operand(&self, dtype: DType) -> Tensor {
            Tensor::from_scalar(Scalar::matching(f64::from(*self), dtype))
        }
    })*};
}
float_operands!(f32, f64);

macro_rules! integer_operands {
    ($($type:ty),*) => {$(impl Operand for $type {
        #[track_caller]
        fn to_operand(&self, dtype: DType) -> Tensor {
            let dtype = if dtype == DType::Bool { DType::I64 } else { dtype };
            Tensor::from_scalar(Scalar::from_i64(*self as i64, dtype))
        }
    })*};
}
integer_operands!(i32, i64, usize, u8);

#[track_caller]
fn unary(op: MapOp, x: &Tensor) -> Tensor {
    let operand = op.kind().operand_type(x.dtype());
    let x = x.cast(operand);
    let shape = x.shape().clone();
    Tensor::record(Op::Map(op), smallvec![x], shape, op.kind().result_type(operand))
}

#[track_caller]
fn binary(op: MapOp, a: &Tensor, b: impl Operand) -> Tensor {
    let b = b.to_operand(a.dtype());
    let common = op.kind().operand_type(a.dtype().promote(b.dtype()));
    if op.kind() == MapKind::Logic && (a.dtype(), b.dtype()) != (DType::Bool, DType::Bool) {
        panic!("{}: both sides must be bool, but they are {} and {}", op.name(), a.dtype(), b.dtype());
    }
    let (a, b) = (a.cast(common), b.cast(common));
    let [a, b] = together(op.name(), [a, b]);
    let shape = a.shape().clone();
    Tensor::record(Op::Map(op), smallvec![a, b], shape, op.kind().result_type(common))
}

/// The tensors stretched to their common shape.
#[track_caller]
pub(crate) fn together<const N: usize>(name: &str, tensors: [Tensor; N]) -> [Tensor; N] {
    if tensors.iter().all(|tensor| tensor.shape() == tensors[0].shape()) {
        return tensors;
    }
    let mut shape = tensors[0].shape().clone();
    for tensor in &tensors[1..] {
        let Some(common) = shape.broadcast(tensor.shape()) else {
            let shapes: Vec<String> = tensors.iter().map(|tensor| tensor.shape().to_string()).collect();
            panic!(
                "{name}: the shapes {} do not go together; aligned at the last axis, lengths must be equal or 1",
                shapes.join(" and ")
            )
        };
        shape = common;
    }
    let mut tensors = tensors;
    for tensor in &mut tensors {
        *tensor = tensor.broadcast_to(&shape);
    }
    tensors
}

impl Tensor {
    /// Logical negation of a boolean tensor.
    ///
    /// # Panics
    /// If the tensor is not boolean.
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        assert!(self.dtype() == DType::Bool, "logical_not: expected bool, found {}", self.dtype());
        unary(MapOp::Not, self)
    }

    /// `a` where this boolean tensor is true, `b` elsewhere; all three broadcast, `a` and `b` are promoted.
    ///
    /// # Panics
    /// If this tensor is not boolean or the shapes do not go together.
    #[track_caller]
    pub fn select(&self, a: impl Operand, b: impl Operand) -> Tensor {
        assert!(
            self.dtype() == DType::Bool,
            "select: the condition must be bool, but it is {}",
            self.dtype()
        );
        let a = a.to_operand(DType::F32);
        let b = b.to_operand(a.dtype());
        let common = a.dtype().promote(b.dtype());
        let inputs: SmallVec<[Tensor; 3]> = smallvec![self.clone(), a.cast(common), b.cast(common)];
        let inputs =
            together("select", inputs.into_inner().unwrap_or_else(|_| unreachable!("three tensors")));
        let shape = inputs[0].shape().clone();
        Tensor::record(Op::Map(MapOp::Select), inputs.into_iter().collect(), shape, common)
    }
}

impl Rule for MapOp {
    fn vjp(&self, call: &Call, cotangents: &[Option<Tensor>]) -> Derivatives {
        let Some(cotangent) = &cotangents[0] else {
            return call.inputs.iter().map(|_| None).collect();
        };
        (0..call.inputs.len())
            .map(|index| {
                let wanted = call.wanted[index] && call.inputs[index].dtype().is_float();
                wanted.then(|| self.partial(index, call.inputs, &call.outputs[0]).times(cotangent)).flatten()
            })
            .collect()
    }

    fn jvp(&self, call: &Call, tangents: &[Option<Tensor>]) -> Derivatives {
        let terms = tangents.iter().enumerate().filter_map(|(index, tangent)| {
            self.partial(index, call.inputs, &call.outputs[0]).times(tangent.as_ref()?)
        });
        smallvec![terms.reduce(|sum, term| sum.add(&term))]
    }
}

#[inline(always)]
fn each1<S: Copy, T>(source: &[S], target: &mut [T], kernel: impl Fn(S) -> T) {
    for (target, source) in target.iter_mut().zip(source) {
        *target = kernel(*source);
    }
}

#[inline(always)]
fn each2<S: Copy, T>(a: &[S], b: &[S], target: &mut [T], kernel: impl Fn(S, S) -> T) {
    let length = target.len();
    let (a, b) = (&a[..length], &b[..length]);
    for index in 0..length {
        target[index] = kernel(a[index], b[index]);
    }
}

macro_rules! float_numbers {
    ($($type:ty),*) => {$(impl Number for $type {
        const ZERO: Self = 0.0;
        #[inline(always)] fn plus(self, other: Self) -> Self { self + other }
        #[inline(always)] fn minus(self, other: Self) -> Self { self - other }
        #[inline(always)] fn times(self, other: Self) -> Self { self * other }
        #[inline(always)] fn negative(self) -> Self { -self }
        #[inline(always)] fn absolute(self) -> Self { self.abs() }
        #[inline(always)] fn signum(self) -> Self {
            let sign = if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { 0.0 };
            if self.is_nan() { self } else { sign }
        }
        #[inline(always)] fn smaller(self, other: Self) -> Self {
            let smaller = if other < self { other } else { self };
            if other.is_nan() { other } else { smaller }
        }
        #[inline(always)] fn larger(self, other: Self) -> Self {
            let larger = if other > self { other } else { self };
            if other.is_nan() { other } else { larger }
        }
        #[inline(always)] fn modulus<I: Instructions>(self, other: Self) -> Self {
            Float::modulo::<I>(self, other)
        }
    })*};
}
float_numbers!(f32, f64);

macro_rules! integer_numbers {
    ($($type:ty, |$x:ident| $magnitude:expr, $sign:expr;)*) => {$(impl Number for $type {
        const ZERO: Self = 0;
        #[inline(always)] fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
        #[inline(always)] fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
        #[inline(always)] fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
        #[inline(always)] fn negative(self) -> Self { self.wrapping_neg() }
        #[inline(always)] fn absolute(self) -> Self { let $x = self; $magnitude }
        #[inline(always)] fn signum(self) -> Self { let $x = self; $sign }
        #[inline(always)] fn smaller(self, other: Self) -> Self { self.min(other) }
        #[inline(always)] fn larger(self, other: Self) -> Self { self.max(other) }
        #[inline(always)] fn modulus<I: Instructions>(self, other: Self) -> Self {
            if other == 0 { return 0; }
            let remainder = self.wrapping_rem(other);
            if remainder != 0 && (remainder < 0 as $type) != (other < 0 as $type) {
                remainder.wrapping_add(other)
            } else {
                remainder
            }
        }
    })*};
}
integer_numbers! {
    i32, |x| x.wrapping_abs(), x.signum();
    i64, |x| x.wrapping_abs(), x.signum();
    u8, |x| x, u8::from(x > 0);
}
