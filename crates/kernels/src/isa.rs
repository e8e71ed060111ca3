//! Which instructions the processor has, and how a loop is compiled for each of them.
//!
//! A kernel is written once, as an ordinary loop inside [`Kernel::run`]. [`Isa::run`] calls a copy of it that was
//! compiled with the target features of the chosen instruction set, so that the compiler vectorises it for that set
//! while the binary still starts on any machine. This is the only place where the choice is made.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Whatever the compilation target guarantees.
    Portable,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL besides AVX2 and FMA.
    Avx512,
}

impl Isa {
    /// The strongest set of this machine, or the one that `BOLETE_ISA` (`portable`, `avx2`, `avx512`) names if the
    /// machine has it. Read once.
    pub fn detected() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let best = *Isa::available().last().expect("the portable set is always there");
            let wanted = match std::env::var("BOLETE_ISA").as_deref() {
                Ok("portable") => Isa::Portable,
                Ok("avx2") => Isa::Avx2,
                _ => best,
            };
            wanted.min(best)
        })
    }

    /// Every set that this machine can run, weakest first; tests go through all of them.
    pub fn available() -> &'static [Isa] {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx512 {
                return &[Isa::Portable, Isa::Avx2, Isa::Avx512];
            }
            if avx2 {
                return &[Isa::Portable, Isa::Avx2];
            }
        }
        &[Isa::Portable]
    }

    /// Runs `kernel` compiled for this set.
    ///
    /// # Panics
    /// If this machine lacks the set.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Isa::Portable => kernel.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                debug_assert!(Isa::available().contains(&self));
                // SAFETY: `Isa::Avx2` is only handed out by `detected` and `available`, which checked the features.
                unsafe { run_avx2(kernel) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                debug_assert!(Isa::available().contains(&self));
                // SAFETY: as above, for AVX-512.
                unsafe { run_avx512(kernel) }
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => panic!("{self:?} kernels exist on x86-64 only"),
        }
    }
}

/// What code inside a kernel may know about the set it is compiled for.
pub trait Instructions: Copy + Send + Sync + 'static {
    /// Whether a fused multiply-add is one instruction.
    const FMA: bool;
    /// Bytes of a vector register.
    const VECTOR_BYTES: usize;
    /// The set as a value.
    const ISA: Isa;
}

/// Marker for [`Isa::Portable`].
#[derive(Clone, Copy)]
pub struct Portable;
/// Marker for [`Isa::Avx2`].
#[derive(Clone, Copy)]
pub struct Avx2;
/// Marker for [`Isa::Avx512`].
#[derive(Clone, Copy)]
pub struct Avx512;

impl Instructions for Portable {
    const FMA: bool = cfg!(target_feature = "fma") || cfg!(target_arch = "aarch64");
    const VECTOR_BYTES: usize = 16;
    const ISA: Isa = Isa::Portable;
}
impl Instructions for Avx2 {
    const FMA: bool = true;
    const VECTOR_BYTES: usize = 32;
    const ISA: Isa = Isa::Avx2;
}
impl Instructions for Avx512 {
    const FMA: bool = true;
    const VECTOR_BYTES: usize = 64;
    const ISA: Isa = Isa::Avx512;
}

/// A loop to be compiled once per instruction set. `run` and all it calls must be `#[inline(always)]`, or they are
/// compiled without the features.
pub trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The body.
    fn run<I: Instructions>(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}
