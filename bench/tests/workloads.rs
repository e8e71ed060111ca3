//! Every workload does a step, and what comes out is finite; nothing is timed.

use bench::workload::Mode;
use bolete::prelude::*;

#[test]
fn every_workload_does_a_step() {
    for workload in bench::workloads::all() {
        for mode in workload.modes {
            // The largest takes gigabytes and is the same code as the smaller ones in another size.
            if workload.name == "gpt2_124m_train" && *mode == Mode::Mixed {
                continue;
            }
            let mut repeated = (workload.make)(*mode);
            assert!(
                repeated.report().is_empty(),
                "{}: nothing is planned before the first step",
                workload.name
            );
            let result = repeated.step();
            let values = result.cast(DType::F32).is_finite().all(..).to_vec::<bool>();
            assert_eq!(values, [true], "{} ({}) gives {result}", workload.name, mode.name());
            let operations: usize = repeated.report().iter().map(|report| report.operations).sum();
            assert!(operations > 0, "{}: the plan counts its operations", workload.name);
        }
    }
}

#[test]
fn training_on_one_batch_lowers_the_loss() {
    for name in ["mlp", "lenet", "vae", "gcn", "lstm", "gpt_char", "vit_tiny"] {
        let workload = bench::workloads::all().into_iter().find(|workload| workload.name == name);
        let mut repeated = (workload.expect("the workload exists").make)(Mode::Plain);
        let first = repeated.step().item();
        let later = (0..5).map(|_| repeated.step().item()).last().expect("there are steps");
        assert!(later < first, "{name}: from {first} to {later}");
    }
}
