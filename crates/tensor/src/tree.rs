//! Trees: any arrangement of tensors that transforms, optimisers and checkpoints can walk.
//!
//! A tree enumerates its tensors, the *leaves*, in a fixed order, each with a path such as
//! `encoder.0.attention.query.weight`, and can be rebuilt with other leaves in their place. `#[derive(Tree)]` makes a
//! tree of a struct or an enum whose fields are trees. Numbers, booleans and strings are trees without leaves; they
//! belong to the structure: a function that has been traced for one structure is traced again for another.

mod pattern;

pub use pattern::{path_captures, path_fits};

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::marker::PhantomData;
use std::ops::Deref;

use crate::Tensor;

/// What a leaf is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeafKind {
    /// Learned: a [`Param`].
    Param,
    /// Carried along but not learned: a [`State`].
    State,
    /// A tensor of no special standing, such as a batch; derivatives are taken in it.
    Plain,
}

/// A step on the way from the root to a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathPart<'a> {
    /// A field of a struct or a key of a map.
    Name(&'a str),
    /// A position in a list or tuple.
    Index(usize),
}

/// What is told while a tree is walked.
pub trait Visitor<'a> {
    /// A leaf.
    fn leaf(&mut self, kind: LeafKind, tensor: &'a Tensor);
    /// What follows lies below this step.
    fn enter(&mut self, _part: PathPart<'_>) {}
    /// The last step entered is done.
    fn leave(&mut self) {}
    /// A piece of structure: a number, a length, which variant of an enum.
    fn structure(&mut self, _value: u64) {}
}

/// An arrangement of tensors.
pub trait Tree: Sized {
    /// Tells the visitor of all leaves and all structure, always in the same order.
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>);

    /// The same arrangement with each leaf replaced by what `leaf` returns, called in the order of
    /// [`visit`](Tree::visit).
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self;
}

/// Conveniences on every tree.
pub trait TreeExt: Tree {
    /// The leaves in order.
    fn leaves(&self) -> Vec<Tensor> {
        self.leaves_with_kinds().into_iter().map(|(_, tensor)| tensor.clone()).collect()
    }

    /// The leaves in order with their kinds.
    fn leaves_with_kinds(&self) -> Vec<(LeafKind, &Tensor)> {
        struct Collect<'a>(Vec<(LeafKind, &'a Tensor)>);
        impl<'a> Visitor<'a> for Collect<'a> {
            fn leaf(&mut self, kind: LeafKind, tensor: &'a Tensor) {
                self.0.push((kind, tensor));
            }
        }
        let mut collect = Collect(Vec::new());
        self.visit(&mut collect);
        collect.0
    }

    /// The leaves in order with their paths, steps joined by dots.
    fn named_leaves(&self) -> Vec<NamedLeaf<'_>> {
        #[derive(Default)]
        struct Named<'a> {
            path: String,
            ends: Vec<usize>,
            found: Vec<NamedLeaf<'a>>,
        }
        impl<'a> Visitor<'a> for Named<'a> {
            fn leaf(&mut self, kind: LeafKind, tensor: &'a Tensor) {
                self.found.push(NamedLeaf { path: self.path.clone(), kind, tensor });
            }
            fn enter(&mut self, part: PathPart<'_>) {
                self.ends.push(self.path.len());
                if !self.path.is_empty() {
                    self.path.push('.');
                }
                match part {
                    PathPart::Name(name) => self.path.push_str(name),
                    PathPart::Index(index) => write!(self.path, "{index}").expect("strings take all writes"),
                }
            }
            fn leave(&mut self) {
                self.path.truncate(self.ends.pop().unwrap_or(0));
            }
        }
        let mut named = Named::default();
        self.visit(&mut named);
        named.found
    }

    /// The same arrangement with these leaves.
    ///
    /// # Panics
    /// If there are fewer than the tree has.
    fn with_leaves(&self, leaves: impl IntoIterator<Item = Tensor>) -> Self {
        let mut leaves = leaves.into_iter();
        self.rebuild(&mut |_, _| leaves.next().expect("a leaf is missing for this tree"))
    }

    /// The same arrangement with `change` applied to every leaf.
    fn map(&self, mut change: impl FnMut(&Tensor) -> Tensor) -> Self {
        self.rebuild(&mut |_, tensor| change(tensor))
    }

    /// A number that depends on the arrangement but not on the leaves.
    fn structure(&self) -> u64 {
        struct Structure(u64);
        impl<'a> Visitor<'a> for Structure {
            fn leaf(&mut self, kind: LeafKind, _: &'a Tensor) {
                Visitor::structure(self, kind as u64);
            }
            fn structure(&mut self, value: u64) {
                let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                self.0 = (mixed ^ (mixed >> 32)).wrapping_add(1);
            }
        }
        let mut structure = Structure(0);
        self.visit(&mut structure);
        structure.0
    }

    /// Number of elements of all leaves of one kind.
    fn count(&self, kind: LeafKind) -> usize {
        self.leaves_with_kinds().iter().filter(|leaf| leaf.0 == kind).map(|leaf| leaf.1.elements()).sum()
    }
}

impl<T: Tree> TreeExt for T {}

/// A leaf with its path.
#[derive(Clone)]
pub struct NamedLeaf<'a> {
    /// Steps from the root, joined by dots.
    pub path: String,
    /// What the leaf is for.
    pub kind: LeafKind,
    /// The leaf.
    pub tensor: &'a Tensor,
}

impl Tree for Tensor {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        visitor.leaf(LeafKind::Plain, self);
    }
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Tensor {
        leaf(LeafKind::Plain, self)
    }
}

macro_rules! leaf_types {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Tensor);

        impl $name {
            /// Wraps a tensor.
            pub fn new(tensor: Tensor) -> $name {
                $name(tensor)
            }
            /// The tensor itself.
            pub fn tensor(&self) -> &Tensor {
                &self.0
            }
        }

        impl From<Tensor> for $name {
            fn from(tensor: Tensor) -> $name {
                $name(tensor)
            }
        }

        impl Deref for $name {
            type Target = Tensor;
            fn deref(&self) -> &Tensor {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({} {})", stringify!($name), self.0.dtype(), self.0.shape())
            }
        }

        impl Tree for $name {
            fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
                visitor.leaf(LeafKind::$name, &self.0);
            }
            fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> $name {
                $name(leaf(LeafKind::$name, &self.0))
            }
        }
    )*};
}

leaf_types! {
    /// A tensor that is learned: derivatives are taken in it and optimisers change it.
    Param,
    /// A tensor that belongs to a model but is not learned, such as running statistics: its derivative is zero.
    State
}

/// Numbers and the like: structure, not leaves.
macro_rules! structure {
    ($($type:ty: |$value:ident| $bits:expr;)*) => {$(
        impl Tree for $type {
            fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
                let $value = self;
                visitor.structure($bits);
            }
            fn rebuild(&self, _: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> $type {
                self.clone()
            }
        }
    )*};
}

structure! {
    bool: |value| u64::from(*value);
    u8: |value| u64::from(*value);
    u16: |value| u64::from(*value);
    u32: |value| u64::from(*value);
    u64: |value| *value;
    usize: |value| *value as u64;
    i32: |value| *value as u64;
    i64: |value| *value as u64;
    isize: |value| *value as u64;
    f32: |value| u64::from(value.to_bits());
    f64: |value| value.to_bits();
    char: |value| u64::from(*value);
    String: |value| fingerprint(value.as_bytes());
    &'static str: |value| fingerprint(value.as_bytes());
    (): |_value| 0;
    crate::DType: |value| *value as u64;
    crate::Shape: |value| value.iter().fold(value.rank() as u64, |all, length| fingerprint(&[all, *length as u64]
        .map(u64::to_le_bytes).concat()));
    crate::Convolution2d: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::Convolution1d: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::Convolution3d: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::PadMode: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::Resize: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::Pool2d: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::Pool1d: |value| fingerprint(format!("{value:?}").as_bytes());
    crate::Pool3d: |value| fingerprint(format!("{value:?}").as_bytes());
}

/// FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl<T> Tree for PhantomData<T> {
    fn visit<'a>(&'a self, _: &mut dyn Visitor<'a>) {}
    fn rebuild(&self, _: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
        PhantomData
    }
}

fn visit_list<'a, T: Tree>(items: &'a [T], visitor: &mut dyn Visitor<'a>) {
    visitor.structure(items.len() as u64);
    for (index, item) in items.iter().enumerate() {
        visitor.enter(PathPart::Index(index));
        item.visit(visitor);
        visitor.leave();
    }
}

impl<T: Tree> Tree for Vec<T> {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        visit_list(self, visitor);
    }
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
        self.iter().map(|item| item.rebuild(leaf)).collect()
    }
}

impl<T: Tree, const N: usize> Tree for [T; N] {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        visit_list(self, visitor);
    }
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
        std::array::from_fn(|index| self[index].rebuild(leaf))
    }
}

impl<T: Tree> Tree for Option<T> {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        visitor.structure(u64::from(self.is_some()));
        if let Some(item) = self {
            item.visit(visitor);
        }
    }
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
        self.as_ref().map(|item| item.rebuild(leaf))
    }
}

impl<T: Tree> Tree for Box<T> {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        (**self).visit(visitor);
    }
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
        Box::new((**self).rebuild(leaf))
    }
}

impl<T: Tree> Tree for BTreeMap<String, T> {
    fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
        visitor.structure(self.len() as u64);
        for (key, item) in self {
            visitor.structure(fingerprint(key.as_bytes()));
            visitor.enter(PathPart::Name(key));
            item.visit(visitor);
            visitor.leave();
        }
    }
    fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
        self.iter().map(|(key, item)| (key.clone(), item.rebuild(leaf))).collect()
    }
}

macro_rules! tuples {
    ($(($($type:ident $index:tt),+))*) => {$(
        impl<$($type: Tree),+> Tree for ($($type,)+) {
            fn visit<'a>(&'a self, visitor: &mut dyn Visitor<'a>) {
                $(visitor.enter(PathPart::Index($index)); self.$index.visit(visitor); visitor.leave();)+
            }
            fn rebuild(&self, leaf: &mut dyn FnMut(LeafKind, &Tensor) -> Tensor) -> Self {
                ($(self.$index.rebuild(leaf),)+)
            }
        }
    )*};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
