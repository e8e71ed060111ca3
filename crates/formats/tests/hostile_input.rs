//! Thousands of damaged files for each reader: none may panic, and none may take more memory than its bound.
//!
//! The damage comes from a fixed sequence: a failure shows the same way every time. `examples/fuzz` is the same as a
//! program, for as many inputs as one likes.

#[path = "../examples/fuzz/memory.rs"]
mod memory;
#[path = "../examples/fuzz/mutate.rs"]
mod mutate;
#[path = "../examples/fuzz/readers.rs"]
mod readers;
#[path = "../examples/fuzz/run.rs"]
mod run;
#[path = "../examples/fuzz/seeds.rs"]
mod seeds;

use memory::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const INPUTS: u64 = 5_000;

#[test]
fn no_damage_makes_a_reader_panic_or_take_much_memory() {
    for reader in readers::readers() {
        for seed in &reader.seeds {
            assert!((reader.read)(seed), "{}: a valid file was refused", reader.name);
        }
        let outcome = run::run(&reader, 7, 0..INPUTS, |_| {});
        assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
        assert!((1..INPUTS).contains(&outcome.accepted), "{}: {} accepted", reader.name, outcome.accepted);
        assert!(outcome.worst_ratio > 0.0 && outcome.worst_share <= 1.0, "{}", reader.name);
    }
}
