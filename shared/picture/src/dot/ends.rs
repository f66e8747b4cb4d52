//! What arrows to and from a box are tied to. Graphviz draws arrows between nodes only, and cuts them where the box begins.
//!
//! Where a box has one step that comes first, an arrow to the box is tied to that; where it has several, to a point above them that
//! nobody sees. The same beneath.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Edge, Graph, Link, Part};

pub(super) struct Ends<'a> {
    boxes: BTreeMap<&'a str, Box>,
    undoes: BTreeMap<&'a str, &'a str>,
}

/// An arrow that nobody sees: it keeps a point above, or beneath, what is in a box.
pub(super) struct Tie {
    pub(super) from: String,
    pub(super) to: String,
}

struct Box {
    head: String,
    tail: String,
    points: Vec<(String, Vec<Tie>)>,
}

impl<'a> Ends<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        let inside: BTreeMap<&str, Option<&str>> =
            graph.parts.iter().map(|part| (part.id.as_str(), part.inside.as_deref())).collect();
        let within = graph.edges.iter().filter(|edge| inside.get(&*edge.from) == inside.get(&*edge.to));
        let within: Vec<&Edge> = within.collect();
        // What takes a step back stands beside it, and nothing comes behind.
        let is_beside = |edge: &&&Edge| edge.what == Link::Undoes;
        let beside: BTreeSet<&str> = within.iter().filter(is_beside).map(|edge| edge.to.as_str()).collect();
        let has_before: BTreeSet<&str> = within.iter().map(|edge| edge.to.as_str()).collect();
        let has_behind = within.iter().filter(|edge| !is_beside(edge)).map(|edge| edge.from.as_str());
        let has_behind: BTreeSet<&str> = has_behind.chain(beside).collect();
        let mut reached: BTreeSet<&str> = graph.edges.iter().map(|edge| edge.to.as_str()).collect();
        let mut left: BTreeSet<&str> = graph.edges.iter().map(|edge| edge.from.as_str()).collect();
        for part in &graph.parts {
            let Some(around) = part.inside.as_deref() else { continue };
            if reached.contains(around) && !has_before.contains(&*part.id) {
                reached.insert(&part.id);
            }
            if left.contains(around) && !has_behind.contains(&*part.id) {
                left.insert(&part.id);
            }
        }
        let mut inner: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
        for part in &graph.parts {
            inner.entry(part.inside.as_deref().unwrap_or_default()).or_default().push(part);
        }
        let undoes = graph.edges.iter().filter(|edge| edge.what == Link::Undoes);
        let undoes = undoes.map(|edge| (edge.to.as_str(), edge.from.as_str())).collect();
        let mut ends = Self { boxes: BTreeMap::new(), undoes };
        // What is inside of a box stands behind it.
        for part in graph.parts.iter().rev().filter(|part| part.holds) {
            let id = part.id.as_str();
            let inner = inner.get(id).map_or(&[] as &[&Part], Vec::as_slice);
            let firsts = inner.iter().filter(|part| !has_before.contains(&*part.id)).map(|part| ends.head(&part.id));
            let lasts = inner.iter().filter(|part| !has_behind.contains(&*part.id)).map(|part| ends.tail(&part.id));
            let (firsts, lasts): (Vec<String>, Vec<String>) = (firsts.collect(), lasts.collect());
            let (mut points, top, bottom) = (vec![], format!("{id}_top"), format!("{id}_bottom"));
            let mut end = |point: String, tied: Vec<String>, is_needed: bool, is_top: bool| match tied.as_slice() {
                [one] => one.clone(),
                _ => {
                    let tie = |other: String| match is_top {
                        true => Tie { from: point.clone(), to: other },
                        false => Tie { from: other, to: point.clone() },
                    };
                    if is_needed {
                        points.push((point.clone(), tied.into_iter().map(tie).collect()));
                    }
                    point
                }
            };
            let head = end(top, firsts, reached.contains(id) || inner.is_empty(), true);
            let tail = end(bottom, lasts, left.contains(id), false);
            ends.boxes.insert(id, Box { head, tail, points });
        }
        ends
    }

    pub(super) fn is_box(&self, id: &str) -> bool {
        self.boxes.contains_key(id)
    }

    /// The step, or other part, that this one takes back, if it does so.
    pub(super) fn takes_back(&self, id: &str) -> Option<&'a str> {
        self.undoes.get(id).copied()
    }

    /// What an arrow to a part is tied to.
    pub(super) fn head(&self, id: &str) -> String {
        self.boxes.get(id).map_or(id, |it| &it.head).to_owned()
    }

    /// What an arrow from a part is tied to.
    pub(super) fn tail(&self, id: &str) -> String {
        self.boxes.get(id).map_or(id, |it| &it.tail).to_owned()
    }

    /// The points that nobody sees in a box, and what they are tied to.
    pub(super) fn points(&self, id: &str) -> &[(String, Vec<Tie>)] {
        self.boxes.get(id).map_or(&[], |it| &it.points)
    }
}
