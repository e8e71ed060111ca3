//! The graphs that derivatives leave.

use bolete::formats::atomic;
use bolete::prelude::*;
use bolete::tensor::graph::print;

use super::derivatives::tower;
use super::figures;
use crate::session::Session;

pub(super) fn run(session: &mut Session) -> anyhow::Result<()> {
    session.heading("The graphs")?;
    // Pending: what is drawn has not been computed yet.
    let towers = tower(&Tensor::from([0.5f64]));
    let graphs = towers.each_ref().map(|tensor| print::nodes(&[tensor]));
    let rows = graphs.iter().enumerate().map(|(order, nodes)| {
        let edges: usize = nodes.iter().map(|node| node.inputs.len()).sum();
        vec![order.to_string(), nodes.len().to_string(), edges.to_string()]
    });
    session.table("The graph that computes each order", &["order", "nodes", "edges"], rows.collect())?;
    session.preformatted("The graph of the first derivative", &print::tree(&towers[1]))?;
    for (order, nodes) in graphs.iter().enumerate().skip(1) {
        let title = format!("The graph of the derivative of order {order}: {} nodes", nodes.len());
        let caption = "Values flow downwards. The same for Graphviz is in the run folder.";
        session.figure(&format!("graph_{order}"), caption, &figures::graph(&title, nodes))?;
        let file = session.run().path().join(format!("graph_{order}.dot"));
        let text = print::dot(&[&towers[order]]);
        atomic::write(&file, |out| out.write_all(text.as_bytes()))?;
    }
    session.say(
        "The backward pass is recorded like everything else, as nodes that the next derivative goes through. Each order \
         differentiates all of the one before, so the graphs grow; what both passes share is there once.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_grow() {
        let towers = tower(&Tensor::from([0.5f64]));
        let sizes = towers.each_ref().map(|tensor| print::nodes(&[tensor]).len());
        assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]), "{sizes:?}");
    }
}
