//! Many short lists.

use std::ops::Index;

/// A list for each of so many things, all of them in one piece of memory.
pub(crate) struct Lists<T> {
    /// Where each list begins; one more for the end of the last.
    begins: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy + Default> Lists<T> {
    /// So many lists of what `each` hands out as (list, item), the items of a list in that order. It is called twice.
    pub fn new(count: usize, each: impl Fn(&mut dyn FnMut(u32, T))) -> Lists<T> {
        let mut begins = vec![0u32; count + 1];
        each(&mut |list, _| begins[list as usize + 1] += 1);
        for list in 0..count {
            begins[list + 1] += begins[list];
        }
        let mut next = begins.clone();
        let mut items = vec![T::default(); begins[count] as usize];
        each(&mut |list, item| {
            let at = &mut next[list as usize];
            items[*at as usize] = item;
            *at += 1;
        });
        Lists { begins, items }
    }
}

impl<T> Index<usize> for Lists<T> {
    type Output = [T];
    fn index(&self, list: usize) -> &[T] {
        &self.items[self.begins[list] as usize..self.begins[list + 1] as usize]
    }
}
