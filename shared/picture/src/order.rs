//! In which order the steps of a [`Dag`] can be done, and on which level each stands.

use std::collections::BTreeMap;

use sagaline_model::{Dag, Name, Node};

/// The steps of a [`Dag`] by the order in which they can be done.
pub(crate) struct Order<'a> {
    pub(crate) nodes: Vec<&'a Node>,
    /// For each node of the dag, in the order of the definition: the places of those it comes after.
    pub(crate) after: Vec<Vec<usize>>,
    pub(crate) after_any: Vec<Vec<usize>>,
    /// The same for the level: the first is 1.
    pub(crate) levels: Vec<usize>,
    /// Places, each behind all those it comes after; of one level, in the order of the definition.
    pub(crate) order: Vec<usize>,
}

impl<'a> Order<'a> {
    pub(crate) fn of(dag: &'a Dag) -> Self {
        let nodes: Vec<&Node> = dag.nodes.iter().collect();
        let places: BTreeMap<&Name, usize> =
            nodes.iter().enumerate().map(|(place, node)| (&node.name, place)).collect();
        let known = |names: &[Name]| names.iter().filter_map(|name| places.get(name).copied()).collect::<Vec<_>>();
        let after: Vec<Vec<usize>> = nodes.iter().map(|node| known(&node.after)).collect();
        let after_any: Vec<Vec<usize>> = nodes.iter().map(|node| known(&node.after_any)).collect();

        let mut behind = vec![vec![]; nodes.len()];
        let mut open = vec![0_usize; nodes.len()];
        for place in 0..nodes.len() {
            for before in after[place].iter().chain(&after_any[place]) {
                behind[*before].push(place);
                open[place] += 1;
            }
        }
        let mut levels = vec![1_usize; nodes.len()];
        let mut order: Vec<usize> = (0..nodes.len()).filter(|place| open[*place] == 0).collect();
        let mut next = 0;
        while let Some(place) = order.get(next).copied() {
            next += 1;
            for follower in &behind[place] {
                levels[*follower] = levels[*follower].max(levels[place] + 1);
                open[*follower] -= 1;
                if open[*follower] == 0 {
                    order.push(*follower);
                }
            }
        }
        // A plan has no cycle. One that was made by hand is shown all the same, and never waited for.
        order.extend((0..nodes.len()).filter(|place| 0 < open[*place]));
        order.sort_by_key(|place| (levels[*place], *place));
        Self { nodes, after, after_any, levels, order }
    }

    /// The steps of each level.
    pub(crate) fn by_level(&self) -> Vec<Vec<&'a Node>> {
        let mut levels: Vec<Vec<&Node>> = vec![];
        for place in &self.order {
            let level = self.levels[*place];
            if levels.len() < level {
                levels.resize_with(level, Vec::new);
            }
            levels[level - 1].push(self.nodes[*place]);
        }
        levels
    }
}
