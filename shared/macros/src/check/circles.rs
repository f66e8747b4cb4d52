//! Steps that wait for one another.

use std::collections::BTreeMap;

use syn::{Error, Ident};

use super::references::{text, words};
use crate::module::{Level, Step};

/// Steps that wait for one another, with the way around.
pub(super) fn check(level: &Level, faults: &mut Vec<Error>) {
    let place: BTreeMap<String, usize> = level.steps.iter().enumerate().map(|(at, step)| (step.text(), at)).collect();
    let before = |step: &Step| -> Vec<(usize, Ident)> {
        let named = ["after", "after_any", "after_graft"].iter().flat_map(|key| words(&step.args, key));
        let mut before: Vec<(usize, Ident)> =
            named.filter_map(|word| Some((*place.get(&text(word))?, word.clone()))).collect();
        for group in words(&step.args, "after_group") {
            let members = level.steps.iter().enumerate();
            let members =
                members.filter(|(_, member)| words(&member.args, "group").iter().any(|word| text(word) == text(group)));
            before.extend(members.map(|(at, _)| (at, group.clone())));
        }
        before
    };
    let edges: Vec<Vec<(usize, Ident)>> = level.steps.iter().map(before).collect();
    let mut done = vec![false; edges.len()];
    for start in 0..edges.len() {
        let mut way = vec![];
        if !done[start] {
            walk(start, &edges, &mut way, &mut done, level, faults);
        }
    }
}

fn walk(
    at: usize,
    edges: &[Vec<(usize, Ident)>],
    way: &mut Vec<usize>,
    done: &mut [bool],
    level: &Level,
    faults: &mut Vec<Error>,
) {
    way.push(at);
    for (next, word) in &edges[at] {
        if let Some(begin) = way.iter().position(|step| step == next) {
            // A step after itself is told by itself.
            if way.len() - begin > 1 {
                let circle: Vec<String> =
                    way[begin..].iter().chain([next]).map(|step| level.steps[*step].text()).collect();
                let message = format!("these steps wait for each other: {}", circle.join(" after "));
                faults.push(Error::new(word.span(), message));
            }
        } else if !done[*next] {
            walk(*next, edges, way, done, level, faults);
        }
    }
    way.pop();
    done[at] = true;
}
